// Package display is the door's screen: a hub that takes verdicts and a page that shows them, in any browser, with
// nothing fetched from anywhere else.
//
// # Paths
//
//	GET /           the page. Its <html> carries data-constants: JSON {build, silence, grace, retry, lost, neutral};
//	                times in ms, lost and neutral are screens as below.
//	GET /style.css, /screen.js
//	GET /events     Server-Sent Events, UTF-8.
//	GET /mirror     the camera's picture, multipart/x-mixed-replace of image/jpeg, grey, 320 x 240, at most 8 a second;
//	                503 where there is no picture to be had, cut off when there is none any more.
//
// # Events
//
// First a reconnection time, then the current screen, then each newer one; a client that is slow gets the newest only.
//
//	retry: 2000
//
//	event: screen
//	data: {"build":"0f…","signal":"admitted","ground":"green","symbol":"tick","lamps":["green"],"blink":"steady",
//	       "lines":[{"lang":"kk","head":"Қош келдіңіз","until":"…"},…],"mirror":false,"hold":3000,"seq":7}
//
// (data is one line.) A line of a door that is being set up also has "checks":[{"name":"Камера","ok":true},…], and "missing"
// with a sentence about the first that is not well. Every 5 s there is a heartbeat. It is an event and not a comment, because a page's EventSource
// keeps comments to itself:
//
//	event: beat
//	data
//
// A page that has heard nothing for 15 s says so by itself and keeps trying. One that reads another build than its own
// loads itself anew. When hold has passed and nothing newer has come, it shows neutral.
//
// # What the screen looks like
//
// The wall's grammar holds on the screen too: a whole screen in one steady colour is about the person, a dark screen
// with a blinking field is about the kiosk or the code. Colour never says it alone: symbol, words and the lamp's place
// in the row of four say the same.
package display
