package score

import (
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	truth, err := Pictures(strings.NewReader("a/1\ttext\t41\na/2\ttext\t41\nb/1\tnone\t-\nb/2\tnone\t-\n\nb/3\tany\t-\nb/4\tany\t4142,41\nb/5\ttext\t41\n"))
	if err != nil {
		t.Fatal(err)
	}
	readings, err := Readings(strings.NewReader("a/1\t1.5\t200D0A,410a\na/2\t2\t42\nb/1\t3\tNONE\nb/2\t4\t41\nb/3\t5\t41\nb/4\t6\t41\n"), false)
	if err != nil {
		t.Fatal(err)
	}
	var verdicts []Verdict
	rows := Table(truth, readings, func(_ *Picture, v Verdict, _ Reading) { verdicts = append(verdicts, v) })
	if want := []Verdict{Correct, Wrong, Correct, False, Unconfirmed, Correct, Unread}; !slices.Equal(verdicts, want) {
		t.Errorf("%v, want %v", verdicts, want)
	}
	if len(rows) != 3 || rows[0].Set != "a" || rows[1].Pictures != 5 || rows[2].Set != "all" ||
		rows[2].Count[Correct] != 3 {
		t.Errorf("%+v", rows)
	}
	if all := rows[2]; all.Read.Sum() != 18.5 || all.Read.Quantile(.5) != 4 || all.Read.Quantile(.95) != 6 ||
		len(all.Unread) != 2 {
		t.Errorf("%+v", all)
	}
}

func TestView(t *testing.T) {
	videos, err := Videos(strings.NewReader("v.mp4\t41,42,43\t2-3,5-6,7-8\nempty.mp4\t-\t-\n"))
	if err != nil || len(videos) != 2 || videos[1].Texts != nil {
		t.Fatal(videos, err)
	}
	readings, err := Readings(strings.NewReader("v.mp4\t0\t1\tNONE\nv.mp4\t3\t2\t41\nv.mp4\t4\t4\t41,44\nv.mp4\t5\t8\t42\nempty.mp4\t0\t1\t41\n"), true)
	if err != nil {
		t.Fatal(err)
	}
	got := View(&videos[0], readings)
	if !slices.Equal(got.First, []int{3, 5, -1}) || !slices.Equal(got.Delay, []int{1, 0, 0}) || got.Missed != 1 ||
		got.Wrong != 1 ||
		got.Frames != 4 || got.All.Sum() != 15 || got.Idle.Sum() != 5 {
		t.Errorf("%+v", got)
	}
	if empty := View(&videos[1], readings); empty.Wrong != 1 || len(empty.Idle) != 1 {
		t.Errorf("%+v", empty)
	}
}

func TestSame(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"A\r\nB ", " A\nB", true},
		{"A B", "AB", false}, // within ASCII, blanks count
		{"\x82\xa0", "あ", true},
		{"\xe9", "é", true},
		{"Ã©", "é", true},
		{"é", "è", false},
		{"", "A", false},
	} {
		if Same([]byte(test.a), []byte(test.b)) != test.same || Same([]byte(test.b), []byte(test.a)) != test.same {
			t.Errorf("%q and %q: want %v", test.a, test.b, test.same)
		}
	}
}

func TestMalformed(t *testing.T) {
	for _, truth := range []string{"a/1\ttext\n", "a/1\tsome\t41\n", "a/1\ttext\t4\n"} {
		if _, err := Pictures(strings.NewReader(truth)); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: %v", truth, err)
		}
	}
	for _, truth := range []string{"v\t41\t-\n", "v\t41\t1-2,3-4\n", "v\t4\t1-2\n"} {
		if _, err := Videos(strings.NewReader(truth)); err == nil {
			t.Errorf("%q: no error", truth)
		}
	}
	for _, out := range []string{"v\tx\t1\t41\n", "v\t1\tx\t41\n", "v\t1\t1\n"} {
		if _, err := Readings(strings.NewReader(out), true); err == nil {
			t.Errorf("%q: no error", out)
		}
	}
}
