// Package kiosk is the domain of the door: colours, venues, rules, verdicts, and the Door that ties them together. It
// does no I/O; time, lookups and outlets are handed to it.
//
// # The floors
//
//	cmd/ashyq-kiosk   main.go: flags; run.go: the only wiring
//	  scanner         camera -> bytes of a QR code              (gocv, gozxing)
//	  hardware        verdict -> lamps, buzzer, relay           (periph)
//	  display         verdict -> the screen beside the door
//	  kiosk/replica   registry -> cache                         (over registry/client)
//	  kiosk/cache     the status list on the card               (bbolt)
//	  kiosk/enrol     one-time code -> the door's key and certificate
//	    kiosk         what happens at the door
//	      kiosk/pass        the citizen's code
//	      kiosk/statuslist  the packed list and its changes
//	      kiosk/task        long-lived parts, watchdog, trusted clock
//	      kiosk/latest      a slot in which the newest value wins
//	      kiosk/retry       keeps trying, with pauses that no two doors share
//	        kiosk/sign1     signed messages in one encoding
//
// Imports point down only and siblings never import each other; layers_test.go keeps it so.
//
// # One frame's journey
//
//  1. The scanner owns the camera. The newest frame wins, a frozen picture is a dead camera.
//  2. Its decoder finds a QR code and gives the bytes to Door.Present, also of the same code again and again.
//  3. The Door, one goroutine, throws away what is the same person still standing there.
//  4. pass.Parse takes the code apart or says why it is none; Verify checks issuer, holder and time; the Guard knows
//     who was here a moment ago.
//  5. A Lookup tells the person's standing: the cache at once, the registry under a deadline when the cache is old.
//  6. Rules.Decide turns venue, colour, zone, time and age into a Decision that names its rule.
//  7. The Verdict goes to every Outlet: panel, screen, counters. None of them learns who it was.
package kiosk
