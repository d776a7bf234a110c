package display_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/display"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/setup"
)

// fresh is a new door: the screen is on, and there is no network.
var fresh = []setup.Check{
	{ID: "panel", OK: true}, {ID: "camera", OK: true}, {ID: "network"}, {ID: "clock"},
	{ID: "enrolment"}, {ID: "registry"}, {ID: "state"},
}

func TestChecksHaveWordsInEveryLanguage(t *testing.T) {
	for _, c := range append(slices.Clone(fresh), setup.Check{ID: "configuration"}, setup.Check{ID: "daemon"}) {
		for _, lang := range display.Languages {
			name, missing, ok := display.CheckWords(c.ID, lang)
			if !ok || name == "" || missing == "" {
				t.Errorf("%s has no words in %s", c.ID, lang)
			}
			if lang != "en" && strings.ContainsAny(name+missing, "abcdefghijklmnopqrstuvwxyz") {
				t.Errorf("%s has Latin letters in %s: %q, %q", c.ID, lang, name, missing)
			}
		}
	}
	if _, _, ok := display.CheckWords("wishes", "en"); ok {
		t.Error("there are words for a check that nobody makes")
	}
}

func settingUp(t *testing.T, ctx context.Context) {
	hub := mirrored(display.Options{}, somebody)
	server := serve(t, hub, "127.0.0.1:0")
	show := func(seq uint64, v kiosk.Verdict, checks []setup.Check) look {
		v.Seq = seq
		hub.Setup(checks)
		hub.Show(v)
		await(t, ctx, fmt.Sprintf("document.body.dataset.seq == %d", seq))
		return eval[look](t, ctx, looks)
	}
	for i, size := range sizes {
		do(t, ctx, chromedp.EmulateViewport(int64(size.X), int64(size.Y)), chromedp.Navigate(server.URL))
		seq := uint64(10 * (i + 1))
		got := show(seq, kiosk.Verdict{Signal: kiosk.OutOfOrder, Reason: kiosk.NotEnrolled}, fresh)
		for _, words := range []string{
			"Киоск әлі тіркелмеген", "✓ Камера", "✗ Желі", "Желі кабелі де, сымсыз желі де жоқ",
			"Киоск ещё не зарегистрирован", "✓ Лампы и звук", "✗ Реестр", "Нет ни кабеля, ни беспроводной сети",
			"Hold the enrolment code to the camera", "✗ Enrolment", "No network cable and no Wi-Fi",
		} {
			if !strings.Contains(got.Words, words) {
				t.Errorf("%v: %q is not in %q", size, words, got.Words)
			}
		}
		if got.Cut || got.Lowest < 12 {
			t.Errorf("%v: %+v", size, got)
		}
		// A person who holds up a code sees where; while the door asks the registry there is
		// nothing to hold up.
		await(t, ctx, "document.querySelector('.mirror[data-live]') != null")
		if *shots != "" {
			save(t, filepath.Join(*shots, fmt.Sprintf("setup-%dx%d.png", size.X, size.Y)), photograph(t, ctx))
		}

		refused := slices.Clone(fresh)
		refused[2].OK, refused[3].OK, refused[4].Says = true, true, "the door \"North\x07gate\" was deleted <b>"
		got = show(seq+1, kiosk.Verdict{Signal: kiosk.OutOfOrder, Reason: kiosk.EnrolRefused}, refused)
		if !strings.Contains(got.Words, `«the door "North gate" was deleted <b>»`) || got.Cut {
			t.Errorf("%v: the registry's words are not in %+v", size, got)
		}
		if *shots != "" {
			save(t, filepath.Join(*shots, fmt.Sprintf("setup-refused-%dx%d.png", size.X, size.Y)), photograph(t, ctx))
		}
		joining, host := slices.Clone(fresh), strings.Repeat("long-name.", 9)+"a.example" // 99 characters of 100
		joining[4].Says = host
		if got := show(seq+2, kiosk.Verdict{Signal: kiosk.OutOfOrder, Reason: kiosk.EnrolJoining}, joining); !strings.Contains(got.Words, "«"+host+"»") || got.Cut {
			t.Errorf("%v: the whole host is not in %+v", size, got)
		}
		if got := show(seq+4, kiosk.Verdict{Signal: kiosk.OutOfOrder, Reason: kiosk.Enrolling}, fresh); got.Symbol != "#wrench" {
			t.Errorf("%v: while it is being enrolled: %+v", size, got)
		}
		// No visitor reads about cables.
		if got := show(seq+5, kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green}, fresh); strings.Contains(got.Words, "✓") {
			t.Errorf("%v: %q", size, got.Words)
		}
		if got := show(seq+6, kiosk.Verdict{Signal: kiosk.OutOfOrder, Reason: kiosk.CameraFault}, nil); strings.Contains(got.Words, "✓") {
			t.Errorf("%v: %q", size, got.Words)
		}
	}
}
