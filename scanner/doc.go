// Package scanner turns a camera into the texts of the QR codes that are held up to it.
//
// A [Scanner] keeps one camera open, reconnects when it fails, and calls back with the bytes of
// each code:
//
//	camera --Read--> latest (one slot, newest wins) --> Decoder --> OnCode
//
// The feed's goroutine owns the camera, the decode loop owns the [Decoder]; between them are three
// frames whose buffers are reused. The next picture replaces one that the decoder had no time for.
//
// # What is decoded
//
// A doorway is a video. Each picture is first compared, at some 7,000 places, with what the decoder
// last saw there; differences within sensor noise and automatic exposure do not count. Only places
// that changed, with a margin, go to the decoder: large ones in half size, every sixth time in full
// size; places that come to rest unread in more ways. Once a second it gets the whole picture.
// After a code was read, its place is ignored for 100 ms, or while it keeps still for up to a
// second. Config.Budget limits the average CPU time per picture. At 1280x720 px, a still picture
// costs 0.2 ms on one x86-64 core.
//
// A USB camera's pictures are packed, and to unpack one costs more than to compare it. So the
// decoder says which picture it wants next, by the budget and by what moves, and the feed drops
// those before it. Only the brightness is unpacked.
//
// # Sources
//
//	/dev/video0 or 0        a V4L2 camera; any path below /dev, so /dev/v4l/by-id/... too. A
//	                        numbered one is found again under another number
//	file:PATH[?loop]        a video at its own speed; at its end the camera is dead, or starts again
//	dir:PATH[?fps=N&loop]   the pictures (.png, .jpg, .jpeg) of a folder in the order of names,
//	                        N a second (10), then those that arrive later with a greater name.
//	                        Names that begin with a dot or end in .tmp are ignored: write
//	                        with such a name, then rename
//	pipe:1280x720 PROGRAM ARGUMENT...  a program that writes raw pictures of this size to standard
//	                        output, in I420 (first the brightness, then the colours) or, with
//	                        "pipe:1280x720,gray PROGRAM", brightness only. Blanks separate the
//	                        arguments; there is no shell. A program that ends is started again
//	http:, https:, rtsp:    a network camera, as OpenCV opens it
//
// All except dir: and pipe: need OpenCV, a build with the tag gocv_videoio ("make build"). Without
// it the package is pure Go. An OpenCV without FFmpeg, as in this project's Debian package, opens
// only V4L2 cameras and MJPEG in AVI files; ffmpeg behind pipe: opens everything else.
//
// # When a camera is dead
//
// OpenCV repeats the last picture forever after a camera was unplugged. A living sensor has noise,
// so pictures that are identical byte for byte for longer than Config.FrozenAfter mean a dead
// camera: the scanner closes it, reports it and opens it again. A covered lens may look the same;
// it is equally useless. No picture at all for that long is reported too. Go cannot end a call that
// hangs inside OpenCV or a driver: the scanner reports it, [Scanner.Alive] stops, and only a
// watchdog that restarts the process helps. On cancellation, Run returns even then and leaves such
// a call behind.
package scanner
