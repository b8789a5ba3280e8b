// The readers, in the order in which a bare path is offered to them.

import { registry } from "../../base/registry.js";
import { audio } from "./audio.js";
import { idx } from "./idx.js";
import { images } from "./images.js";
import { language } from "./language.js";
import { module } from "./module.js";
import { numpy } from "./numpy.js";
import { raw } from "./raw.js";
import { sprites } from "./sprites.js";
import { text } from "./text.js";

export const readers = registry("data reader", [numpy, images, sprites, raw, idx, text, language, audio, module]);
