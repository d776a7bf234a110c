// Package kiosk is the domain: colours, venues, rules, verdicts, and the Door that connects them.
// It does no I/O: its caller passes in the time, the lookups and the outlets.
//
// # The layers
//
//	cmd/ashyq-kiosk       the kiosk's program. main.go: flags; run.go: wires the daemon; a file for each other
//	                      command (update.go, enrolcmd.go, cardapply.go, checks.go for the doctor)
//	  scanner             camera -> bytes of a QR code: newest frame, motion, budget     (gocv)
//	    scanner/qr        grey pixels -> bytes of a QR code                              (gozxing)
//	    scanner/qrdraw    draws QR codes and pictures of them, for tests
//	  hardware            verdict -> lamps, buzzer, relay: lines, patterns, exit button  (periph)
//	    hardware/board    what the board says about itself                               (periph)
//	    hardware/gpiosim  the kernel's simulated chip, for tests
//	  display             verdict -> the screen beside the door, in kk, ru and en
//	  kiosk/config        the configuration file: keys, defaults (update window, ages), checks; the
//	                      defaults of lines and patterns are in hardware
//	  kiosk/setup         what a new door still lacks, for the screen
//	  kiosk/doctor        runs the checks of a door and says what to do
//	  kiosk/provision     applies the files on the card's boot partition
//	  kiosk/update        installs another version of the card's system. The door restarts into it in
//	                      the update window (window.go), and goes back if it fails
//	  kiosk/enrol         one-time code -> the door's keys and certificate; renews it
//	  kiosk/replica       registry -> cache, and the door's counts -> registry
//	  kiosk/mirror        mirrors of the list, and the registry where one is faulty
//	  kiosk/places        the door's share of its venue's places
//	  kiosk/visits        whom the other doors of the venue have let in
//	  kiosk/doorkeys      the keys of list and codes, sealed to one door, and the door's ring of them
//	  kiosk/client        the door's side of the protocol
//	  kiosk/cache         the status list on the card                                    (bbolt)
//	    kiosk             what happens at the door: Door, Rules, Verdict
//	      kiosk/pass      the citizen's code: format, verification, replay guard
//	      kiosk/statuslist  the packed list and its deltas
//	      kiosk/api       what a door and a registry say to each other
//	      kiosk/latest    a slot that keeps only the newest value
//	      kiosk/names     which names of doors, sources and networks are refused
//	      kiosk/task      long-lived parts, watchdog, trusted clock
//	      kiosk/chrony    whether the machine's time is signed
//	      kiosk/uptime    a clock that nobody can set
//	      kiosk/retry     keeps trying, with random pauses
//	        kiosk/sign1   signed messages in one canonical encoding
//
//	cmd/ashyq-registry    the registry's program
//	  registry/server     HTTP for laboratories, offices, citizens and doors; publishes the list
//	  registry/store      records, people, doors in SQLite or PostgreSQL
//	  registry/ratchet    a key for each day, from which no earlier one follows
//	  registry/export     keeps a copy of what doors follow, for mirrors
//	  registry/csvfile    records out of CSV files
//	  registry/decree     compares, examines and tries rules before doors get them
//	  registry/alert      tells people by mail and webhook what is wrong with doors
//	  registry/fhir       results out of HL7 FHIR R4 messages
//	  registry/sms        messages to phones, through a program or a gateway
//	  registry/pcr        the words for a PCR test's outcome
//	  registry/kinds      the names of the kinds of venues and of the zones
//	  registry/phone      a citizen's phone without a screen, for the demonstration and tests
//	  registry/web        the pages and forms of citizens, laboratories and the administrator
//
//	cmd/ashyq-reader      the decoder for a browser: the staff's own phone
//	cmd/ashyq-demo        the whole system on one machine
//	cmd/ashyq-bench       measures the decoder on pictures and videos
//	  cmd/ashyq-bench/score  what counts as read, wrong and unread
//	image-build           the card image, the Debian packages, and the machines that test them
//
// No package in kiosk/ imports one in registry/: kiosk and registry are two programs. The registry
// imports the formats that both use: pass, statuslist, api, doorkeys, sign1. Test support is next
// to what it supports: kiosk/lookuptest, kiosk/enrol/enroltest, kiosk/sign1/sign1test,
// registry/store/storetest, registry/export/exporttest and registry/alert/alerttest. layers_test.go
// checks who imports whom, with a reason for each rule.
//
// # One frame's journey
//
//  1. The scanner owns the camera. The newest frame wins; a frozen picture means a dead camera.
//  2. Its decoder reads a QR code and calls Door.Present, again and again while it is held up.
//  3. The Door, one goroutine, ignores a person who is still standing there.
//  4. pass.Parse decodes the code or says why it is not one; Verify checks issuer, holder and time;
//     Open turns its block into an index with the key of the day; the Guard knows who was here a moment ago.
//  5. The Fallback returns the person's standing: from the cache, if that is old from a newer list, and only
//     then from the registry.
//  6. Rules.Decide turns venue, colour, zone, time and age into a Decision that names its rule.
//  7. The Verdict goes to every Outlet: panel, screen, counters. It does not say who the person is.
package kiosk
