// Loaded before the client, whose address is written into it: leads its requests to ours.
"use strict";
const unirest = require("unirest");
const post = unirest.post;
unirest.post = (url, ...rest) => post(url.replace("https://api.remove.bg/v1.0", process.env.BASE), ...rest);
