package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"

	"ashyq-kiosk/cmd/ashyq-bench/score"
)

// bench prints tables and collects the figures for the end and the CSV.
type bench struct {
	out     io.Writer
	dir     string
	engines []engine // ours first
	csv     *csv.Writer
	figures []string // name <TAB> value <TAB> unit
}

func (b *bench) figure(value float64, unit, name string, args ...any) {
	b.figures = append(b.figures, fmt.Sprintf("%s\t%s\t%s", fmt.Sprintf(name, args...),
		strconv.FormatFloat(math.Round(1000*value)/1000, 'f', -1, 64), unit))
}

// ratio is ours divided by theirs, if theirs is not zero.
func (b *bench) ratio(ours, theirs float64, name string, args ...any) {
	if theirs > 0 {
		b.figure(ours/theirs, "ours/theirs", name, args...)
	}
}

func (b *bench) record(e engine, file string, frame int, verdict score.Verdict, ms float64) {
	row := []string{e.name, file, strconv.Itoa(frame), string(verdict), fmt.Sprintf("%.3f", ms)}
	_ = b.csv.Write(row) // csv.Error tells
}

func (b *bench) table() *tabwriter.Writer {
	return tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
}

func (b *bench) pictures(folder string, from io.Reader) error {
	truth, err := score.Pictures(from)
	if err != nil {
		return err
	}
	list, err := b.listFiles(folder, len(truth), func(i int) string { return truth[i].Path })
	if err != nil {
		return err
	}
	defer os.Remove(list)
	var ours score.Row
	for _, e := range b.engines {
		readings, err := b.readings(e, folder, list, false)
		if err != nil {
			return err
		}
		rows := score.Table(truth, readings, func(p *score.Picture, v score.Verdict, r score.Reading) {
			b.record(e, folder+"/"+p.Path, 0, v, r.CPU)
		})
		b.printPictures(e, folder, rows)
		all := rows[len(rows)-1]
		correct := all.Count[score.Correct]
		b.figure(float64(correct), "pictures", "%s_correct_%s", folder, e.name)
		b.figure(float64(all.Count[score.Wrong]), "pictures", "%s_wrong_%s", folder, e.name)
		b.figure(float64(all.Count[score.False]), "pictures", "%s_false_%s", folder, e.name)
		b.figure(all.Read.Quantile(.5), "ms", "%s_read_median_%s", folder, e.name)
		if e.name == b.engines[0].name {
			ours = all
			continue
		}
		b.ratio(float64(ours.Count[score.Correct]), float64(correct), "%s_correct_by_%s", folder, e.name)
		b.ratio(ours.Read.Quantile(.5), all.Read.Quantile(.5), "%s_read_median_by_%s", folder, e.name)
	}
	return nil
}

func (b *bench) printPictures(e engine, folder string, rows []score.Row) {
	fmt.Fprintf(b.out, "%s, %s; CPU ms of pictures with a text and without\n", folder, e.name)
	t := b.table()
	fmt.Fprintln(t, "set\tpictures\tcorrect\twrong\tfalse\tunread\tunconfirmed\tms read\tp95\tms unread\tp95\t")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t\n", r.Set, r.Pictures, r.Count[score.Correct],
			r.Count[score.Wrong],
			r.Count[score.False], r.Count[score.Unread], r.Count[score.Unconfirmed],
			r.Read.Quantile(.5), r.Read.Quantile(.95), r.Unread.Quantile(.5), r.Unread.Quantile(.95))
	}
	t.Flush()
	fmt.Fprintln(b.out)
}

func (b *bench) videos(folder string, from io.Reader) error {
	truth, err := score.Videos(from)
	if err != nil {
		return err
	}
	list, err := b.listFiles(folder, len(truth), func(i int) string { return truth[i].Path })
	if err != nil {
		return err
	}
	defer os.Remove(list)
	var ours watched
	for _, e := range b.engines {
		readings, err := b.readings(e, folder, list, true)
		if err != nil {
			return err
		}
		for _, r := range readings {
			verdict := score.Verdict("read") // a video decides on right or wrong
			if len(r.Texts) == 0 {
				verdict = score.Unread
			}
			b.record(e, folder+"/"+r.Path, r.Frame, verdict, r.CPU)
		}
		sum := b.printVideos(e, folder, truth, readings)
		b.figure(float64(sum.missed), "codes", "%s_missed_%s", folder, e.name)
		b.figure(float64(sum.wrong), "texts", "%s_wrong_%s", folder, e.name)
		b.figure(sum.all.Sum(), "ms", "%s_cpu_%s", folder, e.name)
		b.figure(sum.all.Quantile(.95), "ms", "%s_frame_p95_%s", folder, e.name)
		b.figure(sum.empty.Sum(), "ms", "%s_empty_cpu_%s", folder, e.name)
		if e.name == b.engines[0].name {
			ours = sum
			continue
		}
		b.ratio(ours.all.Sum(), sum.all.Sum(), "%s_cpu_by_%s", folder, e.name)
		b.ratio(ours.empty.Sum(), sum.empty.Sum(), "%s_empty_cpu_by_%s", folder, e.name)
		earlier, later := ours.compare(&sum)
		b.figure(float64(earlier), "codes", "%s_read_before_%s", folder, e.name)
		b.figure(float64(later), "codes", "%s_read_after_%s", folder, e.name)
	}
	return nil
}

// watched adds up all videos.
type watched struct {
	first         []int // of each code of each video; -1: never
	missed, wrong int
	all, empty    score.Times // of all frames; of those in videos without a code
}

// compare counts the codes that were read in an earlier frame than the peer read them, and in a
// later one.
func (w *watched) compare(peer *watched) (earlier, later int) {
	for i, first := range w.first {
		switch other := peer.first[i]; {
		case first >= 0 && (other < 0 || first < other):
			earlier++
		case other >= 0 && (first < 0 || first > other):
			later++
		}
	}
	return earlier, later
}

func (b *bench) printVideos(e engine, folder string, truth []score.Video, readings []score.Reading) (sum watched) {
	fmt.Fprintf(b.out, "%s, %s; CPU ms of all frames, and per frame without a code in view\n", folder, e.name)
	t := b.table()
	fmt.Fprintln(t, "video\tframes\tfirst read in\tframes after coming into view\tmissed\twrong\tms\tms idle\tp95\t")
	var delays []int
	for i := range truth {
		v := score.View(&truth[i], readings)
		fmt.Fprintf(t, "%s\t%d\t%v\t%v\t%d\t%d\t%.0f\t%.2f\t%.2f\t\n", v.Path, v.Frames, v.First, v.Delay, v.Missed,
			v.Wrong, v.All.Sum(), v.Idle.Quantile(.5), v.Idle.Quantile(.95))
		sum.first = append(sum.first, v.First...)
		sum.missed, sum.wrong = sum.missed+v.Missed, sum.wrong+v.Wrong
		sum.all = append(sum.all, v.All...)
		if truth[i].Texts == nil {
			sum.empty = append(sum.empty, v.All...)
		}
		for j, first := range v.First {
			if first >= 0 {
				delays = append(delays, v.Delay[j])
			}
		}
	}
	t.Flush()
	slices.Sort(delays)
	if len(delays) > 0 {
		b.figure(float64(delays[len(delays)/2]), "frames", "%s_delay_median_%s", folder, e.name)
	}
	fmt.Fprintln(b.out)
	return sum
}
