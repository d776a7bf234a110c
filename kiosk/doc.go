// Package kiosk is the domain of the door: colours, venues, rules, verdicts, and the Door that ties them together. It
// does no I/O; time, lookups and outlets are handed to it.
//
// # The layers
//
//	cmd/ashyq-kiosk       the kiosk's program. main.go: flags; run.go: the only wiring; one file per command
//	  scanner             camera -> bytes of a QR code: newest frame, motion, budget     (gocv)
//	    scanner/qr        grey pixels -> bytes of a QR code                              (gozxing)
//	    scanner/qrdraw    draws QR codes and pictures of them, for tests
//	  hardware            verdict -> lamps, buzzer, relay: lines, patterns, exit button  (periph)
//	  display             verdict -> the screen beside the door, in kk, ru and en
//	  kiosk/config        the configuration file: keys, defaults, checks
//	  kiosk/setup         what a new door still misses, for the screen
//	  kiosk/doctor        runs a tree of checks and prints what to do
//	  kiosk/provision     takes over the files on the card's boot partition
//	  kiosk/update        brings the card to another version, and back
//	  kiosk/enrol         one-time code -> the door's key and certificate; renews it
//	  kiosk/replica       registry -> cache, and the door's counts -> registry
//	  kiosk/client        the door's side of the protocol
//	  kiosk/cache         the status list on the card                                    (bbolt)
//	    kiosk             what happens at the door: Door, Rules, Verdict
//	      kiosk/pass      the citizen's code: format, verification, replay guard
//	      kiosk/statuslist  the packed list and its deltas
//	      kiosk/api       what a door and a registry say to each other
//	      kiosk/task      long-lived parts, watchdog, trusted clock
//	      kiosk/retry     keeps trying, with pauses that differ from door to door
//	        kiosk/sign1   signed messages in one canonical encoding
//
//	cmd/ashyq-registry    the registry's program
//	  registry/server     HTTP: what laboratories, offices, citizens and doors ask; derives and publishes the list
//	  registry/store      records, people, doors in SQLite or PostgreSQL
//	  registry/web        the pages of citizens and offices
//
//	cmd/ashyq-demo        the whole system on one machine
//	cmd/ashyq-bench       measures the decoder on pictures and videos
//	  cmd/ashyq-bench/score  what counts as read, wrong and unread
//	image-build           the card image, the Debian packages, and the machines that test them
//
// Nothing below kiosk/ imports registry/: they are two programs. The registry shares the formats: pass,
// statuslist, api, sign1. Test support stands beside what it supports: kiosk/lookuptest and
// kiosk/enrol/enroltest. layers_test.go keeps all of this, with a reason for each rule.
//
// # One frame's journey
//
//  1. The scanner owns the camera. The newest frame wins, a frozen picture is a dead camera.
//  2. Its decoder finds a QR code and gives the bytes to Door.Present, and again while it is held up.
//  3. The Door, one goroutine, ignores a person who still stands there.
//  4. pass.Parse takes the code apart or says why it is not a pass; Verify checks issuer, holder and time; the Guard knows
//     who was here a moment ago.
//  5. A Lookup tells the person's standing: the cache at once, the registry under a deadline when the cache is old.
//  6. Rules.Decide turns venue, colour, zone, time and age into a Decision that names its rule.
//  7. The Verdict goes to every Outlet: panel, screen, counters. None of them learns who it was.
package kiosk
