/** Entry point of every page. */

import { startCompareSliders } from "./compare-slider.js";
import { startDialogs } from "./dialogs.js";
import { hideMissingPictures } from "./missing-images.js";
import { startThemeButton } from "./theme-button.js";
import { localiseTimes } from "./times.js";

startThemeButton();
startDialogs();
startCompareSliders();
localiseTimes();
hideMissingPictures();
