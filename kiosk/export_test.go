package kiosk

// Fallback is what a Door makes of its cache and its registry.
type Fallback = fallback
