package decree

// Counted reads the name of a count.
var Counted = counted
