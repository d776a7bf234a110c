// Package display is the door's screen: a hub that takes verdicts, and a page that shows them in
// any browser and fetches nothing from elsewhere.
//
// # Paths
//
//	GET /           the page. Its <html> has data-constants: JSON {build, silence, grace, retry,
//	                lost, neutral}; times in ms, lost and neutral are screens as below.
//	GET /style.css, /screen.js
//	GET /events     Server-Sent Events, UTF-8.
//	GET /mirror     the camera's picture, multipart/x-mixed-replace of image/jpeg, grey,
//	                320 x 240, at most 8 a second; 503 if there is no picture, cut off when there
//	                is no picture any more.
//
// # Events
//
// First a reconnection time, then the current screen, then each newer one; a slow client gets only
// the newest.
//
//	retry: 2000
//
//	event: screen
//	data: {"build":"0f…","signal":"admitted","ground":"green","symbol":"tick",
//	       "lamps":["green"],"blink":"steady",
//	       "lines":[{"lang":"kk","head":"Қош келдіңіз","until":"…"},…],
//	       "mirror":false,"hold":3000,"seq":7}
//
// (data is one line.) During set-up, each line also has "checks": [{"name": "Камера", "ok": true},
// …], and "missing" with a sentence about the first failed check. Every 5 s there is a heartbeat.
// It is an event and not a comment, because an EventSource does not report comments to its page:
//
//	event: beat
//	data
//
// A page that hears nothing for 15 s says so and keeps trying. A page that receives another build
// reloads itself. If hold has passed without a newer screen, it shows neutral.
//
// # What the screen looks like
//
// The screen follows the rule of the lamps: a whole screen in one steady colour is about the
// person, a dark screen with a blinking field is about the door or the code. Colour is never the
// only sign: symbol, words and the lamp's place in the row of four say the same.
package display
