package scanner

import (
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/scanner/qrdraw"
)

func TestEveryPictureWithACodeIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		onCode := func(text []byte, taken time.Time) {
			got = append(got, string(text))
			if !taken.Equal(time.Now()) {
				t.Errorf("%s was taken at %v, now it is %v", text, taken, time.Now())
			}
		}
		show := func(n int) (*Frame, error) {
			if n == 2 {
				return alive(n)
			}
			return code(n / 4) // the first code in three pictures: no repetition is swallowed here
		}
		s, told, stop := start(t, Config{OnCode: onCode, FrozenAfter: time.Minute}, func(int) (Camera, error) {
			return &fakeCamera{every: time.Second, show: show}, nil
		})
		time.Sleep(5500 * time.Millisecond)
		stop()
		if want := []string{"PICTURE 0", "PICTURE 0", "PICTURE 0", "PICTURE 1"}; !slices.Equal(got, want) {
			t.Errorf("read %q, want %q", got, want)
		}
		if want := []string{"1.0 pictures"}; !slices.Equal(told.log, want) {
			t.Errorf("states %q, want %q", told.log, want)
		}
		stats := s.Stats()
		if stats.Frames != 5 || stats.Examined != 5 || stats.Codes != 4 || stats.Reconnects != 0 || stats.DecodeCPU <= 0 ||
			!stats.LastFrame.Equal(told.begin.Add(5*time.Second)) {
			t.Errorf("%+v", stats)
		}
	})
}

// The decoder is slow; it must always get the newest picture, not a queue of old ones.
func TestNewestPictureWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every = 40 * time.Millisecond
		var got []string
		onCode := func(text []byte, taken time.Time) {
			if age := time.Since(taken); age > every {
				t.Errorf("%s is %v old", text, age)
			}
			got = append(got, string(text))
			time.Sleep(10*every + every/4)
			if string(text) != got[len(got)-1] {
				t.Errorf("%s became %s while it was looked at", got[len(got)-1], text)
			}
		}
		s, _, stop := start(t, Config{OnCode: onCode}, func(int) (Camera, error) {
			return &fakeCamera{every: every, show: code}, nil
		})
		time.Sleep(30*every + every/2)
		stop()
		if want := []string{"PICTURE 0", "PICTURE 10", "PICTURE 20"}; !slices.Equal(got, want) {
			t.Errorf("read %q, want %q", got, want)
		}
		if stats := s.Stats(); stats.Frames < 30 || stats.Examined != 3 {
			t.Errorf("%+v", stats)
		}
	})
}

func TestReconnectBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opened []string
		begin := time.Now()
		s, told, stop := start(t, Config{}, func(n int) (Camera, error) {
			opened = append(opened, fmt.Sprint(time.Since(begin).Seconds()))
			switch {
			case n < 6:
				return nil, errUnplugged
			case n == 6: // works for 20 s
				return &fakeCamera{every: time.Second, show: func(n int) (*Frame, error) {
					if n == 20 {
						return nil, errUnplugged
					}
					return alive(n)
				}}, nil
			}
			return &fakeCamera{every: time.Second, show: alive}, nil
		})
		select {
		case <-s.Ready():
			t.Error("ready before anything was tried")
		default:
		}
		synctest.Wait()
		select {
		case <-s.Ready():
		default:
			t.Error("not ready after the first failure")
		}
		if !s.Alive().Equal(begin) {
			t.Errorf("a failed attempt is a sign of life, too: %v", s.Alive())
		}
		time.Sleep(60 * time.Second)
		stop()
		if got, want := strings.Join(opened, " "), "0 0.5 1.5 3.5 7.5 11.5 15.5 37"; got != want {
			t.Errorf("opened at %s, want %s", got, want)
		}
		want := []string{"0.0 unplugged", "16.5 pictures", "36.5 unplugged", "38.0 pictures"}
		if !slices.Equal(told.log, want) {
			t.Errorf("states %q, want %q", told.log, want)
		}
		if n := s.Stats().Reconnects; n != 7 {
			t.Errorf("%d reconnects", n)
		}
	})
}

// What OpenCV does after an unplug: it repeats the last picture forever.
func TestFrozenPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := 0
		_, told, stop := start(t, Config{FrozenAfter: 5 * time.Second}, func(camera int) (Camera, error) {
			return &fakeCamera{every: 100 * time.Millisecond, onClose: func() { closed++ }, show: func(n int) (*Frame, error) {
				if camera == 0 {
					return alive(min(n, 20)) // unplugged at 2.1 s
				}
				return alive(1000 + n)
			}}, nil
		})
		time.Sleep(30 * time.Second)
		if closed != 1 {
			t.Errorf("closed %d times, want once", closed)
		}
		stop()
		if want := []string{"0.1 pictures", "7.2 " + ErrFrozen.Error(), "7.8 pictures"}; !slices.Equal(told.log, want) {
			t.Errorf("states %q, want %q", told.log, want)
		}
	})
}

// A camera that is opened again and still shows the same picture still counts as frozen.
func TestFrozenPictureStaysFrozen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, told, stop := start(t, Config{FrozenAfter: 5 * time.Second}, func(camera int) (Camera, error) {
			return &fakeCamera{every: 100 * time.Millisecond, show: func(n int) (*Frame, error) {
				if camera < 3 {
					return alive(0)
				}
				return alive(n)
			}}, nil
		})
		time.Sleep(40 * time.Second)
		stop()
		if want := []string{"0.1 pictures", "5.2 " + ErrFrozen.Error(), "17.1 pictures"}; !slices.Equal(told.log, want) {
			t.Errorf("states %q, want %q", told.log, want)
		}
	})
}

// A read that hangs inside OpenCV cannot be ended. It is reported, the watchdog notices, and it may
// recover.
func TestHangingRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, never := make(chan struct{}), make(chan struct{})
		s, told, stop := start(t, Config{FrozenAfter: 4 * time.Second}, func(int) (Camera, error) {
			return &fakeCamera{every: 100 * time.Millisecond, show: alive, hang: map[int]<-chan struct{}{10: release, 20: never}}, nil
		})
		time.Sleep(20 * time.Second)
		if stood := time.Since(s.Alive()); stood < 18*time.Second {
			t.Errorf("alive %v ago although the camera hangs", stood)
		}
		if s.Mirror(image.NewGray(image.Rect(0, 0, 8, 8))) {
			t.Error("the mirror shows an old picture")
		}
		close(release)
		time.Sleep(500 * time.Millisecond)
		if s.Alive().Before(time.Now().Add(-time.Second)) || !s.Mirror(image.NewGray(image.Rect(0, 0, 8, 8))) {
			t.Error("not alive again")
		}
		time.Sleep(9500 * time.Millisecond)
		stop() // hangs again
		close(never)
		synctest.Wait()
		want := []string{"0.1 pictures", "6.0 " + ErrSilent.Error(), "20.1 pictures", "26.0 " + ErrSilent.Error()}
		if !slices.Equal(told.log, want) {
			t.Errorf("states %q, want %q", told.log, want)
		}
	})
}

func TestHangingOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		_, told, stop := start(t, Config{FrozenAfter: 4 * time.Second}, func(int) (Camera, error) {
			<-release
			return &fakeCamera{show: alive}, nil
		})
		time.Sleep(10 * time.Second)
		stop()
		close(release)
		synctest.Wait()
		if want := []string{"5.0 " + ErrSilent.Error()}; !slices.Equal(told.log, want) {
			t.Errorf("states %q, want %q", told.log, want)
		}
	})
}

// The end of a video is not a failure to retry, and does not concern the watchdog.
func TestVideoEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, told, stop := start(t, Config{}, func(int) (Camera, error) {
			return &fakeCamera{every: time.Second, show: func(n int) (*Frame, error) {
				if n == 3 {
					return nil, fmt.Errorf("play: %w", ErrEnded)
				}
				return alive(n)
			}}, nil
		})
		time.Sleep(time.Hour)
		if s.Stats().Reconnects != 0 || time.Since(s.Alive()) > 2*time.Second {
			t.Errorf("%+v, alive %v ago", s.Stats(), time.Since(s.Alive()))
		}
		stop()
		if want := []string{"1.0 pictures", "4.0 " + ErrEnded.Error()}; !slices.Equal(told.log, want) {
			t.Errorf("states %q, want %q", told.log, want)
		}
	})
}

// A source that has nothing to show for now is alive but gives no pictures.
func TestNothingToShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, told, stop := start(t, Config{FrozenAfter: 4 * time.Second}, func(int) (Camera, error) {
			return &fakeCamera{every: time.Second, show: func(n int) (*Frame, error) {
				if n == 2 {
					return nil, fmt.Errorf("%w: not a PNG", ErrNoPicture)
				}
				if n > 0 && n < 30 {
					return nil, ErrNoPicture
				}
				return alive(n)
			}}, nil
		})
		time.Sleep(20*time.Second + time.Millisecond)
		if time.Since(s.Alive()) > time.Second {
			t.Errorf("alive %v ago", time.Since(s.Alive()))
		}
		time.Sleep(12 * time.Second)
		stop()
		if want := []string{"1.0 pictures", "6.0 " + ErrSilent.Error(), "31.0 pictures"}; !slices.Equal(told.log, want) {
			t.Errorf("states %q, want %q", told.log, want)
		}
		if s.Stats().Reconnects != 0 {
			t.Errorf("%+v", s.Stats())
		}
	})
}

func TestRunRefusesUnknownSource(t *testing.T) {
	if err := New(Config{Source: "webcam"}).Run(t.Context()); err == nil {
		t.Error("no error")
	}
}

func TestMirror(t *testing.T) {
	s := New(Config{})
	dst := image.NewGray(image.Rect(0, 0, 4, 2))
	if s.Mirror(dst) {
		t.Error("a picture before there is one")
	}
	// 12x4, brighter to the right; the middle 8x4 fits the proportions.
	f := s.latest.blank()
	f.Resize(12, 4)
	for i := range f.Pix {
		f.Pix[i] = byte(i%12*10 + i/12)
	}
	s.latest.put(f)
	s.report(nil)
	if !s.Mirror(dst) {
		t.Fatal("no picture")
	}
	// Column 8 and 9, rows 0 and 1: (80+90+81+91)/4, and so on to the left.
	if want := []byte{85, 65, 45, 25, 87, 67, 47, 27}; !slices.Equal(dst.Pix, want) {
		t.Errorf("%v, want %v", dst.Pix, want)
	}
	s.report(ErrFrozen)
	if s.Mirror(dst) {
		t.Error("a mirror that shows a frozen picture")
	}
}

// Passing on and comparing a frame allocates nothing, and gozxing allocates little in an empty
// doorway.
func TestAllocationsPerFrame(t *testing.T) {
	x := newLatest()
	n := 0
	if got := testing.AllocsPerRun(100, func() {
		f := x.blank()
		f.Resize(640, 480)
		n++
		f.Pix[0] = byte(n)
		x.put(f)
		x.take(t.Context())
	}); got != 0 {
		t.Errorf("%v allocations to hand over a frame", got)
	}
	d, f := NewDecoder(), emptyDoorway()
	if got := testing.AllocsPerRun(5, func() { d.Decode(&f.Image) }); got > 40 {
		t.Errorf("%v allocations to decode an empty doorway", got)
	}
}

// Of a still doorway every second picture stays packed. Whoever comes is seen in the next picture
// at the latest.
func TestStillDoorwayIsUnpackedHalfAsOften(t *testing.T) {
	for _, comes := range []int{200, 201} {
		synctest.Test(t, func(t *testing.T) {
			const every = time.Second / 30
			begin := time.Now()
			var first time.Duration
			onCode := func(_ []byte, taken time.Time) {
				if first == 0 {
					first = taken.Sub(begin)
				}
			}
			empty := frameOf(image.NewGray(image.Rect(0, 0, 200, 200)))
			show := func(n int) (*Frame, error) {
				if n >= comes {
					f := frameOf(image.NewGray(image.Rect(0, 0, 200, 200)))
					code := qrdraw.Draw(fmt.Sprint("PICTURE ", n), qrdraw.Options{Module: 4})
					for y := range code.Rect.Dy() {
						copy(f.Row(y), code.Pix[y*code.Stride:][:code.Rect.Dx()])
					}
					return f, nil
				}
				empty.Pix[0]++
				return empty, nil
			}
			s, _, stop := start(t, Config{OnCode: onCode, Budget: time.Second}, func(int) (Camera, error) {
				return &packedCamera{fakeCamera: fakeCamera{every: every, show: show}}, nil
			})
			time.Sleep(200*every + every/2)
			if stats := s.Stats(); stats.Frames != 200 || stats.Skipped < 95 || stats.Skipped > 100 {
				t.Errorf("still: %+v", stats)
			}
			time.Sleep(60 * every)
			stop()
			if want := time.Duration(comes+1) * every; first != want && first != want+every {
				t.Errorf("a code that came after %v was read after %v", want, first)
			}
		})
	}
}

// A camera whose pictures cost four budgets to unpack gives every fifth or so, and each of them is
// decoded.
func TestBudgetCountsUnpacking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every, pictures = time.Second / 30, 100
		budget := 5 * time.Millisecond
		s, _, stop := start(t, Config{Budget: budget}, func(int) (Camera, error) {
			return &packedCamera{fakeCamera: fakeCamera{every: every, show: code}, cost: 4 * budget}, nil
		})
		time.Sleep(pictures*every + every/2)
		stop()
		stats := s.Stats()
		unpacked := stats.Frames - stats.Skipped
		if stats.Frames != pictures || unpacked < 10 || unpacked > pictures/4+2 || stats.Decoded+3 < unpacked {
			t.Errorf("%d unpacked: %+v", unpacked, stats)
		}
		spent := stats.UnpackCPU + stats.DecodeCPU
		if spent > (pictures+10)*budget || stats.UnpackCPU < time.Duration(unpacked)*4*budget {
			t.Errorf("%v of CPU time for %d pictures: %+v", spent, pictures, stats)
		}
	})
}
