// Loaded before the client: redirects requests for its hard-coded address to ours.
"use strict";
const unirest = require("unirest");
const post = unirest.post;
unirest.post = (url, ...rest) => post(url.replace("https://api.remove.bg/v1.0", process.env.BASE), ...rest);
