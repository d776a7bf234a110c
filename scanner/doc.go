// Package scanner turns a camera into the texts of the QR codes held up to it.
//
// A [Scanner] keeps one camera open, reconnects when it dies, and calls back with the bytes of each code it reads:
//
//	camera --Read--> latest (one slot, newest wins) --> Decoder --> OnCode
//
// The feed's goroutine owns the camera, the decode loop owns the [Decoder]; between them are three frames whose buffers
// are used over and over. A picture that the decoder had no time for is overwritten by the next one.
//
// # What is decoded
//
// A doorway is a video. Each picture is first compared, at some 7,000 places, with what the decoder last saw there; what
// sensor noise and automatic exposure explain is no change. Only places that changed, with a margin, go to the decoder:
// large ones in half size, every sixth time in full size; those that come to rest unread in more ways. Once a second the
// whole picture is looked at. A code that was read is left alone for 100 ms, or while it keeps still for up to a second.
// Config.Budget bounds the average CPU time of a picture. 1280x720 px, standing still, cost 0.2 ms on one x86-64 core.
//
// # Sources
//
//	/dev/video0 or 0        a V4L2 camera; any path below /dev, so /dev/v4l/by-id/... too
//	file:PATH[?loop]        a video, played at its own speed; at its end the camera is dead, or starts over
//	dir:PATH[?fps=N&loop]   the pictures (.png, .jpg, .jpeg) of a folder in the order of their names, N a second (10), then
//	                        those that arrive later under a greater name. Names that begin with a dot or end in .tmp
//	                        are left alone: write under such a name, then rename
//	pipe:1280x720 PROGRAM ARGUMENT...  a program that writes raw pictures of this size to its standard output, in I420 (all of
//	                        the brightness, then the colours) or, with "pipe:1280x720,gray PROGRAM", brightness only. The arguments
//	                        are parted by blanks; there is no shell. When it ends it is started again
//	http:, https:, rtsp:    a network camera, as OpenCV opens it
//
// All but dir: and pipe: need OpenCV, so a build with the tag gocv_videoio ("make build"). Without it the package is pure
// Go. An OpenCV without FFmpeg, as in the Debian package of this project, opens V4L2 cameras and MJPEG in AVI files only;
// ffmpeg behind pipe: opens everything else.
//
// # When a camera is dead
//
// OpenCV repeats the last picture for ever after a camera was unplugged. A living sensor has noise, so pictures that
// are identical byte for byte for longer than Config.FrozenAfter mean a dead camera: it is closed, reported and opened again.
// A lens that sees nothing at all may look the same; it is of no more use. No picture at all for that long is reported
// too. A call that hangs inside OpenCV or a driver cannot be ended from Go: the scanner reports it, [Scanner.Alive]
// stands still, and a watchdog that restarts the process is the only cure. Run returns on cancellation all the same and
// leaves such a call behind.
package scanner
