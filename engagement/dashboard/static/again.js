// A page of another site has opened this one, and no kernel was taken for it: a window opens the page itself, with what
// follows the #. To replace an address by the same one would load nothing.
const { pathname, search, hash } = location;
location.replace(`${pathname}${search === "?again" ? "" : "?again"}${hash}`);
