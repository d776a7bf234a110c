package csvfile_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"ashyq-kiosk/registry/csvfile"
)

const alice = "900101300007" // made up

var taken = time.Date(2026, 11, 26, 4, 30, 0, 0, time.UTC)

// read gives rows and refusals of a file, each as a line of text.
func read(t *testing.T, text string, kind csvfile.Kind) (rows []csvfile.Row, refused []string) {
	t.Helper()
	var in io.Reader = strings.NewReader(text)
	if len(text) < 100_000 {
		in = iotest.OneByteReader(in)
	}
	r, err := csvfile.Open(in, kind)
	for err == nil {
		var row csvfile.Row
		if row, err = r.Next(); err == nil {
			rows = append(rows, row)
		} else if refusal, ok := errors.AsType[*csvfile.Refusal](err); ok && !refusal.Fatal() {
			refused = append(refused, refusal.Error())
			err = nil
		}
	}
	if err != io.EOF {
		refused = append(refused, "end: "+err.Error())
	}
	return rows, refused
}

func TestForms(t *testing.T) {
	want := csvfile.Row{Line: 2, IIN: alice, Sample: "A-17", Kind: "positive", At: taken}
	for name, text := range map[string]string{
		"commas":          "iin,sample,result,taken\n900101300007,A-17,positive,2026-11-26T09:30:00+05:00\n",
		"semicolons":      "iin;sample;result;taken\n900101300007;A-17;positive;26.11.2026 09:30\n",
		"tabs":            "iin\tsample\tresult\ttaken\n900101300007\tA-17\tpositive\t2026-11-26 09:30\n",
		"BOM and CRLF":    "\ufeffiin;sample;result;taken\r\n900101300007;A-17;positive;26.11.2026 09:30\r\n",
		"no end of line":  "iin,sample,result,taken\n900101300007,A-17,positive,2026-11-26T04:30Z",
		"quotes":          "\"iin\",\"sample\",result,taken\n\"900101300007\",\"A-17\",\"positive\",\"2026-11-26T09:30\"\n",
		"other order":     "taken,result,iin,sample\n26.11.2026 09:30:00,positive,900101300007,A-17\n",
		"Russian":         "ИИН;Номер пробы;Результат;Время взятия пробы\n900101300007;A-17;Положительный;26.11.2026 09:30\n",
		"Kazakh":          "ЖСН;Сынама нөмірі;Нәтиже;Сынама алынған уақыт\n900101300007;A-17;Оң;26.11.2026 09:30\n",
		"spaces":          " IIN , Sample_Number,RESULT,taken\n 900101300007 , A-17 , Positive , 2026-11-26 09:30 \n",
		"behind the rows": "iin,sample,result,taken\n900101300007,A-17,positive,2026-11-26T09:30\n,,,\n\n\"\",,,\n",
	} {
		t.Run(name, func(t *testing.T) {
			rows, refused := read(t, text, csvfile.Laboratory)
			if len(rows) != 1 || rows[0] != want || len(refused) != 0 {
				t.Errorf("rows %v, refused %q", rows, refused)
			}
		})
	}
	rows, refused := read(t, "sep=;\niin;sample;result;taken\n900101300007;A-17;negative;26.11.2026\n", csvfile.Laboratory)
	if len(rows) != 1 || rows[0].Line != 3 || rows[0].At != taken.Add(-9*time.Hour-30*time.Minute) {
		t.Errorf("with sep=: %v %q", rows, refused)
	}
}

// A number with an accent is one number, however the accent was written.
func TestComposed(t *testing.T) {
	rows, refused := read(t, "iin,sample,result,taken\n900101300007,И\u0306-1,positive,26.11.2026\n", csvfile.Laboratory)
	if len(rows) != 1 || rows[0].Sample != "Й-1" {
		t.Errorf("%v %q", rows, refused)
	}
}

func TestKinds(t *testing.T) {
	rows, refused := read(t, "iin,sample,result,taken,laboratory\n900101300007,A-17,inconclusive,26.11.2026 09:30,City laboratory 3\n", csvfile.Portal)
	if want := (csvfile.Row{Line: 2, IIN: alice, Sample: "A-17", Kind: "inconclusive", At: taken, Laboratory: "City laboratory 3"}); len(rows) != 1 || rows[0] != want {
		t.Errorf("portal: %v %q", rows, refused)
	}
	rows, refused = read(t, "iin,kind,date,index,number\n900101300007,contact,26.11.2026 09:30,850515400012,C-1\n900101300007,жазылған,26.11.2026 09:30,,\n", csvfile.Centre)
	if len(rows) != 2 || rows[0] != (csvfile.Row{Line: 2, IIN: alice, Sample: "C-1", Kind: "contact", At: taken, Index: "850515400012"}) || rows[1].Kind != "recovered" {
		t.Errorf("centre: %v %q", rows, refused)
	}
}

func TestColumnsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                                  csvfile.NoColumns,
		" \r\n\r\n":                                         csvfile.NoColumns,
		"iin,sample,result\n":                               "the column \"taken\" is missing",
		"iin,sample,result,taken,ФИО\n":                     "there is no column \"ФИО\"",
		"iin,sample,result,taken,iin\n":                     "the column \"iin\" is there twice",
		"iin,sample,result,taken,laboratory\n":              "no column \"laboratory\"", // the portal's
		"iin,sample,result,taken,\n":                        "there is no column \"\":",
		"iin,sample,result,taken,x\u202ey\n":                "no column \"x?y\"",
		"\xc8\xc8\xcd;\xcf\xf0\xee\xe1\xe0\n":               csvfile.NotUTF8,
		"\xff\xfei\x00i\x00n\x00":                           csvfile.UTF16,
		"iin,\"sample,result,taken\n":                       csvfile.Quotes,
		"900101300007,A-17,positive,26.11.2026\n":           "no column \"900101300007\"",
		strings.Repeat("x", 5000) + "\n":                    "no column \"" + strings.Repeat("x", 40) + "\":",
		"iin,sample,result,taken\r900101300007,1,pos,1\r":   csvfile.Quotes + "|no column", // old Macs
		"{\"resourceType\": \"Bundle\", \"entry\": []}\n":   csvfile.Quotes,
		"iin;sample;result;taken\n\x00":                     "",
		"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\n": "no column \"PK", // a spreadsheet itself
	} {
		_, refused := read(t, text, csvfile.Laboratory)
		found := want == "" || len(refused) == 1 && containsOne(refused[0], want)
		if !found {
			t.Errorf("%.40q: %q, want %q", text, refused, want)
		}
	}
}

func containsOne(text, wants string) bool {
	for want := range strings.SplitSeq(wants, "|") {
		if strings.Contains(text, want) {
			return true
		}
	}
	return false
}

// One row that cannot be used costs one row.
func TestRowsRefused(t *testing.T) {
	const good = alice + ",A-17,positive,26.11.2026 09:30"
	for _, test := range []struct{ row, field, reason string }{
		{",A-17,positive,26.11.2026", "iin", csvfile.Missing},
		{"1013000071,A-17,positive,26.11.2026", "iin", csvfile.IINZero},
		{"9.00101E+11,A-17,positive,26.11.2026", "iin", csvfile.IINNumber},
		{"\"9,00101E+11\",A-17,positive,26.11.2026", "iin", csvfile.IINNumber},
		{"9001013000077,A-17,positive,26.11.2026", "iin", csvfile.IINForm},
		{"90010130000x,A-17,positive,26.11.2026", "iin", csvfile.IINForm},
		{"٩٠٠١٠١٣٠٠٠٠٧,A-17,positive,26.11.2026", "iin", csvfile.IINForm},
		{alice + ",,positive,26.11.2026", "sample", csvfile.Missing},
		{alice + "," + strings.Repeat("x", 65) + ",positive,26.11.2026", "sample", csvfile.NameForm},
		{alice + ",A\u200b17,positive,26.11.2026", "sample", csvfile.NameForm},
		{alice + ",A-17,,26.11.2026", "result", csvfile.Missing},
		{alice + ",A-17,not positive,26.11.2026", "result", csvfile.ResultWord},
		{alice + ",A-17,1,26.11.2026", "result", csvfile.ResultWord},
		{alice + ",A-17,positive,", "taken", csvfile.Missing},
		{alice + ",A-17,positive,31.11.2026", "taken", csvfile.TimeForm},
		{alice + ",A-17,positive,11/26/2026", "taken", csvfile.TimeForm},
		{alice + ",A-17,positive,26.11.26", "taken", csvfile.TimeForm},
		{alice + ",A-17,positive,26.11.2026 24:30", "taken", csvfile.TimeForm},
		{alice + ",A-17,positive,46352", "taken", csvfile.TimeForm}, // a spreadsheet's day
		{alice + ",A-17,positive", "", csvfile.Fields},
		{good + ",", "", csvfile.Fields},
		{alice + ",\"A-17,positive,26.11.2026", "", csvfile.Quotes},
		{alice + ",A\"17,positive,26.11.2026", "", csvfile.Quotes},
		{alice + ",\xcf\xf0\xee\xe1\xe0,positive,26.11.2026", "", csvfile.NotUTF8},
		{alice + "," + strings.Repeat("x", 5000) + ",positive,26.11.2026", "", csvfile.TooLong},
		{alice + "," + strings.Repeat("x", 5_000_000) + ",positive,26.11.2026", "", csvfile.TooLong},
	} {
		rows, refused := read(t, "iin,sample,result,taken\n"+good+"\n"+test.row+"\n"+good+"\n", csvfile.Laboratory)
		want := fmt.Sprintf("line 3, %s: %s", test.field, test.reason)
		if len(rows) != 2 || rows[1].Line != 4 || len(refused) != 1 || refused[0] != want {
			t.Errorf("%.60q: %d rows, refused %q, want %q", test.row, len(rows), refused, want)
		}
	}
	if _, refused := read(t, "iin,kind,date\n"+alice+",positive,26.11.2026\n", csvfile.Centre); len(refused) != 1 || refused[0] != "line 2, kind: "+csvfile.KindWord {
		t.Errorf("a positive result of the centre: %q", refused)
	}
}

func TestLimits(t *testing.T) {
	const head, row = "iin,sample,result,taken\n", alice + ",A-17,positive,26.11.2026\n"
	rows, refused := read(t, head+strings.Repeat(row, csvfile.MaxRows+1), csvfile.Laboratory)
	if len(rows) != csvfile.MaxRows || len(refused) != 1 || !strings.Contains(refused[0], csvfile.TooManyRows) {
		t.Errorf("%d rows, %q", len(rows), refused)
	}
	r, err := csvfile.Open(io.MultiReader(strings.NewReader(head), endless{}), csvfile.Laboratory)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), csvfile.TooLarge) || r.Bytes() > csvfile.MaxBytes+8192 {
		t.Errorf("an endless line: %v after %d bytes", err, r.Bytes())
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, strings.Repeat("x", 4096)), nil }

// A connection that breaks is not the end of the file.
func TestBrokenOff(t *testing.T) {
	broken := errors.New("broken off")
	in := io.MultiReader(strings.NewReader("iin,sample,result,taken\n"+alice+",A-17,positive,26.11.2026\n9001"), iotest.ErrReader(broken))
	r, err := csvfile.Open(in, csvfile.Laboratory)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, broken) {
		t.Errorf("after half a row: %v", err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte("iin;sample;result;taken\r\n900101300007;A-17;positive;26.11.2026 09:30\r\n"), 0)
	f.Add([]byte("\ufeffЖСН,түрі,күні\n900101300007,байланыс,2026-11-26\n"), 2)
	f.Fuzz(func(t *testing.T, data []byte, kind int) {
		r, err := csvfile.Open(strings.NewReader(string(data)), csvfile.Kind(max(0, kind%3)))
		lines := 0
		for err == nil {
			var row csvfile.Row
			row, err = r.Next()
			if refusal, ok := errors.AsType[*csvfile.Refusal](err); ok && !refusal.Fatal() {
				err = nil
				continue
			}
			if err != nil {
				break
			}
			if row.Line <= lines || len(row.IIN) != 12 || row.Kind == "" || row.At.IsZero() || len(row.Sample) > 64 {
				t.Errorf("row %+v after line %d", row, lines)
			}
			lines = row.Line
		}
		if _, ok := errors.AsType[*csvfile.Refusal](err); err != io.EOF && !ok {
			t.Errorf("ends with %v", err)
		}
	})
}

func FuzzTime(f *testing.F) {
	for _, text := range []string{"26.11.2026 09:30", "2026-11-26T09:30:00+05:00", "2026-11-26", "0001-01-01", "26.11.2026 09:30:60"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at, ok := csvfile.Time(text); ok {
			again, ok := csvfile.Time(at.Format(time.RFC3339))
			if at.Year() >= 0 && at.Year() <= 9999 && (!ok || !again.Equal(at)) {
				t.Errorf("%q is %v and then %v", text, at, again)
			}
		}
	})
}
