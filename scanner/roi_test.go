package scanner

import (
	"errors"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"ashyq-kiosk/scanner/qrdraw"
)

// film30 shows pictures to a roi, 30 a second.
type film30 struct {
	*roi
	n int
}

func (f *film30) show(img *image.Gray) (text string, decoded bool) {
	frame := frameOf(img)
	f.n++
	frame.Seq, frame.Taken = uint64(f.n), time.Unix(0, 0).Add(time.Duration(f.n)*time.Second/30)
	before := f.turns
	got, err := f.examine(frame)
	if err == nil {
		text = string(got)
	}
	return text, f.turns > before
}

// scene is the doorway with a code of this text at x, 200; without a code if it is empty.
func scene(text string, x int, seed uint64) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 1280, 720))
	copy(img.Pix, emptyDoorway().Pix)
	if text != "" {
		qrdraw.Paste(img, qrdraw.Draw(text, qrdraw.Options{}), qrdraw.Square(x, 200, 300))
	}
	qrdraw.Noise(img, 2, seed)
	return img
}

func TestROIRests(t *testing.T) {
	eyes := film30{roi: newROI()}
	looks := 0
	for i := range 91 {
		if _, decoded := eyes.show(scene("", 0, uint64(i))); decoded {
			looks++
		}
	}
	if looks != 4 { // at 0, 1, 2, 3 s
		t.Errorf("looked %d times at an empty doorway in 3 s", looks)
	}
}

func TestROIReadsAtOnce(t *testing.T) {
	eyes := film30{roi: newROI()}
	for i := range 12 {
		eyes.show(scene("", 0, uint64(i)))
	}
	if text, _ := eyes.show(scene("FIRST", 500, 50)); text != "FIRST" {
		t.Fatalf("read %q in the first picture with a code", text)
	}
	for i := range 10 { // it stays: nothing new
		if text, decoded := eyes.show(scene("FIRST", 500, uint64(60+i))); decoded {
			t.Errorf("picture %d after reading: decoded, %q", i, text)
		}
	}
	for i := range 6 { // it moves: now and then
		text, decoded := eyes.show(scene("FIRST", 510+10*i, uint64(70+i)))
		if want := i%3 == 0; decoded != want || want != (text == "FIRST") {
			t.Errorf("picture %d of moving: decoded %v, %q", i, decoded, text)
		}
	}
	if text, _ := eyes.show(scene("SECOND", 900, 80)); text != "SECOND" {
		t.Errorf("read %q where nobody was before", text)
	}
}

// The whole picture, decoded once a second, finds what motion does not see.
func TestROIMissesNothingForLong(t *testing.T) {
	eyes := film30{roi: newROI()}
	eyes.show(scene("", 0, 1))
	code := scene("HIDDEN", 500, 2)
	eyes.motion.look(frameOf(code)) // it was there, says the gate
	eyes.motion.saw(image.Rect(0, 0, 1280, 720))
	for i := range 30 {
		text, _ := eyes.show(code)
		if last := i == 29; last != (text == "HIDDEN") {
			t.Errorf("picture %d: %q", i, text)
		}
	}
}

// A person holds up something unreadable: it is decoded again and again, but not forever.
func TestROIIsPatient(t *testing.T) {
	eyes := film30{roi: newROI()}
	eyes.show(scene("", 0, 1))
	var blurred [10]*image.Gray
	for i := range blurred {
		img := scene("", 0, 1)
		qrdraw.Paste(img, qrdraw.Draw(passText, qrdraw.Options{}), qrdraw.Square(500, 200, 200))
		qrdraw.Blur(img, 6)
		qrdraw.Noise(img, 2, uint64(i))
		blurred[i] = img
	}
	var looks [6]int // in each second
	for i := range 6 * 30 {
		text, decoded := eyes.show(blurred[i%len(blurred)])
		if text != "" {
			t.Fatalf("read %q", text)
		}
		if decoded {
			looks[i/30]++
		}
	}
	if looks[0] < 6 || looks[1] < 4 || looks[2] < 4 || looks[4] > 1 || looks[5] > 1 {
		t.Errorf("looks in each second: %d", looks)
	}
}

// While something moves, and for three seconds after, every picture counts.
func TestROIWantsEverySecondPictureOfAStillDoorway(t *testing.T) {
	eyes := film30{roi: newROI()}
	eyes.limit(10*time.Millisecond, func() time.Duration { return 0 })
	wants := func(img *image.Gray) uint64 {
		eyes.show(img)
		return eyes.next() - eyes.seq
	}
	for i := range 5 {
		if n := wants(scene("", 0, uint64(i))); n != 2 {
			t.Errorf("still, picture %d: the next one is in %d", i, n)
		}
	}
	blurred := scene("", 0, 1)
	qrdraw.Paste(blurred, qrdraw.Draw(passText, qrdraw.Options{}), qrdraw.Square(500, 200, 200))
	qrdraw.Blur(blurred, 6)
	for i := range linger {
		if n := wants(blurred); n != 1 {
			t.Errorf("picture %d with something new: the next one is in %d", i, n)
		}
	}
	for range 5 {
		wants(blurred)
	}
	if n := wants(blurred); n != 2 {
		t.Errorf("still again: the next one is in %d", n)
	}
}

// After a picture that took four times the budget, three are only compared; then the newest is
// decoded.
func TestROIKeepsToItsBudget(t *testing.T) {
	eyes := film30{roi: newROI()}
	clock, spent := time.Duration(0), map[int]bool{}
	eyes.limit(10*time.Millisecond, func() time.Duration { return clock })
	for i := range 12 {
		before := eyes.turns
		f := frameOf(scene("", 0, uint64(i)))
		f.Seq, f.Taken = uint64(i+1), time.Unix(int64(2*i), 0) // a whole look is due at any time
		eyes.cpu = func() time.Duration {
			if eyes.turns > before {
				clock += 40 * time.Millisecond
			}
			return clock
		}
		if _, err := eyes.examine(f); !errors.Is(err, ErrNoCode) {
			t.Fatal(err)
		}
		spent[i] = eyes.turns > before
	}
	for i := range 12 {
		if spent[i] != (i%4 == 0) {
			t.Errorf("picture %d: looked at %v", i, spent[i])
		}
	}
}

func TestROIAllocatesNothingOfItsOwn(t *testing.T) {
	eyes := newROI()
	pictures := []*Frame{frameOf(scene("", 0, 1)), frameOf(scene("", 0, 2)), frameOf(scene("AQ1:MOVES", 500, 3)), frameOf(scene("AQ1:MOVES", 540, 4))}
	n := 0
	run := func() {
		f := pictures[n%len(pictures)]
		n++
		f.Taken = time.Unix(0, 0).Add(time.Duration(n) * time.Second / 30)
		eyes.motion.look(f)
		eyes.heat()
		for _, box := range eyes.regions.around(eyes.mark(f.Taken), eyes.motion.blocks) {
			eyes.crop = f.Crop(eyes.pixels(box))
			eyes.motion.saw(eyes.pixels(box))
		}
	}
	for range 20 {
		run()
	}
	if got := testing.AllocsPerRun(20, run); got != 0 {
		t.Errorf("%v allocations a picture", got)
	}
}

// A doorway full of noise sends each picture to the decoder, without any allocation.
func TestROIAllocatesNothing(t *testing.T) {
	var frames []*Frame
	for seed := range uint64(6) {
		img := qrdraw.Doorway(640, 480, 3)
		qrdraw.Noise(img, 60, seed)
		frames = append(frames, frameOf(img))
	}
	eyes := newROI()
	n := 0
	look := func() {
		f := frames[n%len(frames)]
		f.Taken = time.Unix(0, int64(n)*int64(time.Second)/30)
		_, _ = eyes.examine(f)
		n++
	}
	for range 60 { // until all buffers and tables are there
		look()
	}
	before := eyes.turns
	if allocations := testing.AllocsPerRun(60, look); allocations > 0 {
		t.Errorf("%v allocations a picture", allocations)
	}
	if eyes.turns == before {
		t.Error("the decoder was never called")
	}
}

// BenchmarkStandingDoorway is what the daemon does 23 hours a day: a camera's noise in an empty
// doorway, including the periodic decoding of the whole picture.
func BenchmarkStandingDoorway(b *testing.B) {
	var scenes []*image.Gray
	for seed := range uint64(8) {
		scenes = append(scenes, scene("", 0, seed))
	}
	f := film30{roi: newROI()}
	f.show(scenes[0])
	b.ReportAllocs()
	runtime.LockOSThread() // for the thread's CPU time
	defer runtime.UnlockOSThread()
	before := threadCPU()
	for n := 0; b.Loop(); n++ {
		f.show(scenes[n%len(scenes)])
	}
	b.ReportMetric(float64(threadCPU()-before)/float64(b.N)/1e6, "cpu-ms")
}

// BenchmarkWorstFrame shows the pictures of the folders in ASHYQ_FRAMES, separated by colons, one
// after the other like a camera, with the daemon's budget: each differs everywhere from the last
// one, so nothing can be left out. The figure is not the benchmark's own time but p95-ms, over the
// CPU time of the pictures.
func BenchmarkWorstFrame(b *testing.B) {
	folders := os.Getenv("ASHYQ_FRAMES")
	if folders == "" {
		b.Skip("ASHYQ_FRAMES names no folders with pictures")
	}
	var frames []*Frame
	for _, folder := range filepath.SplitList(folders) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			b.Fatal(err)
		}
		for _, entry := range entries {
			if !isPicture(entry.Name()) {
				continue
			}
			f := &Frame{}
			if err := readPicture(filepath.Join(folder, entry.Name()), f); err != nil {
				b.Fatal(err)
			}
			frames = append(frames, f)
		}
	}
	if len(frames) == 0 {
		b.Fatalf("no pictures in %q", folders)
	}
	runtime.LockOSThread() // for the thread's CPU time
	defer runtime.UnlockOSThread()
	eyes := newROI()
	eyes.limit(defaultBudget, threadCPU)
	var times []float64 // ms
	for b.Loop() {
		f := frames[len(times)%len(frames)]
		f.Seq, f.Taken = uint64(len(times)+1), time.Unix(0, 0).Add(time.Duration(len(times))*time.Second/30)
		ms, _ := timed(eyes.examine, f)
		times = append(times, ms)
	}
	slices.Sort(times)
	sum := 0.0
	for _, ms := range times {
		sum += ms
	}
	b.ReportMetric(times[len(times)*95/100], "p95-ms")
	b.ReportMetric(times[len(times)-1], "max-ms")
	b.ReportMetric(sum/float64(len(times)), "mean-ms")
}
