// The look of tables in the terminal: no rules, two spaces between columns, nothing coloured but by us.

const NONE = "";

export const BORDERLESS = {
  chars: {
    top: NONE,
    "top-mid": NONE,
    "top-left": NONE,
    "top-right": NONE,
    bottom: NONE,
    "bottom-mid": NONE,
    "bottom-left": NONE,
    "bottom-right": NONE,
    left: NONE,
    "left-mid": NONE,
    mid: NONE,
    "mid-mid": NONE,
    right: NONE,
    "right-mid": NONE,
    middle: "  ",
  },
  style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
};
