// Package csvfile reads records out of the CSV files of laboratories, the PCR portal and the
// Covid-19 centre. It does no I/O of its own: a Reader takes one row after the other from an
// io.Reader and never holds more than one line.
//
// A file is UTF-8, with or without a byte order mark, its lines end in LF or CRLF, and its fields
// are separated by commas, semicolons or tabs, whichever its first line has most of. Fields may be
// quoted (RFC 4180), but none goes over the end of a line: a quote that is not closed costs one row
// and not the rest of the file. The first line, after an optional "sep=;", names the columns in any
// order, in English, Russian or Kazakh:
//
//	of a laboratory, the portal  iin, sample, result, taken; the portal: laboratory, too
//	of the Covid-19 centre       iin, kind (contact or recovered), date, index (optional), number (optional)
//
// A result is a word of package pcr. A time is written 2026-11-26T09:30:00+05:00, 2026-11-26 09:30
// or 26.11.2026 09:30, with or without seconds; without a zone it is Kazakhstan's, which has been
// UTC+5 since 1 March 2024. A day alone is its first moment.
//
// A file whose columns cannot be used is refused as a whole. After that, a row that cannot be used
// is refused alone, with its line, the field and the reason. A reason never quotes the field.
package csvfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/pcr"
)

// The limits of a file.
const (
	MaxRows  = 100_000
	MaxBytes = 64 << 20
	maxLine  = 4 << 10 // bytes
	maxName  = 64      // bytes of a sample's number, a laboratory's name, an index case
)

// Kind is who sends the file, which decides on its columns.
type Kind int

// The kinds of files.
const (
	Laboratory Kind = iota
	Portal
	Centre
)

// Row is one record as it stands in the file. Whether the IIN's check digit is right, and whether
// the time can be, is for the registry to say.
type Row struct {
	Line       int // the first line of the file is 1
	IIN        string
	Sample     string // the source's own number; of the centre it may be empty
	Kind       string // positive, negative, inconclusive, contact, recovered
	At         time.Time
	Laboratory string // of the portal
	Index      string // IIN or case number of the index case; may be empty
}

// Refusal says why a row, or with line 1 the file, was not taken.
type Refusal struct {
	Line   int
	Field  string // column, in English; empty: the whole line
	Reason string // one of Reasons; with %s in it, Name belongs there
	Name   string // of a column
}

// Error implements error.
func (r *Refusal) Error() string { return fmt.Sprintf("line %d, %s: %s", r.Line, r.Field, r.Text()) }

// Text is the reason alone.
func (r *Refusal) Text() string { return strings.Replace(r.Reason, "%s", `"`+r.Name+`"`, 1) }

// The reasons.
const (
	NoColumns     = "the file is empty: its first line has to name the columns"
	UnknownColumn = "there is no column %s: delete it or rename it"
	DoubleColumn  = "the column %s is there twice"
	MissingColumn = "the column %s is missing"
	NotUTF8       = "not UTF-8, probably windows-1251: save the file as CSV UTF-8"
	UTF16         = "UTF-16: save the file as CSV UTF-8"
	TooLong       = "longer than 4096 bytes"
	TooManyRows   = "more than 100000 rows: split the file"
	TooLarge      = "the file is larger than 64 MB: split it"
	Quotes        = "a quotation mark is in a wrong place or is not closed"
	Fields        = "more or fewer fields than columns"
	Missing       = "empty"
	IINForm       = "an IIN has 12 digits"
	IINZero       = "the zeros at the start of the IIN are missing: format the column as text before you save"
	IINNumber     = "the spreadsheet has rounded the IIN: format the column as text and enter it again"
	ResultWord    = "write positive, negative or inconclusive"
	KindWord      = "write contact or recovered"
	TimeForm      = "write the time like 26.11.2026 09:30 or 2026-11-26T09:30:00+05:00"
	NameForm      = "longer than 64 bytes, or with invisible characters"
)

// Reasons are all of them, for whoever translates.
var Reasons = []string{NoColumns, UnknownColumn, DoubleColumn, MissingColumn, NotUTF8, UTF16, TooLong,
	TooManyRows, TooLarge,
	Quotes, Fields, Missing, IINForm, IINZero, IINNumber, ResultWord, KindWord, TimeForm, NameForm}

// titles are the names of columns, in lower case and with single spaces.
var titles = map[string][]string{
	"iin": {"iin", "иин", "жсн"},
	"sample": {"sample", "sample number", "barcode", "номер пробы", "проба", "штрихкод", "сынама нөмірі", "сынама",
		"штрихкоды"},
	"result": {"result", "результат", "нәтиже", "нәтижесі"},
	"taken": {"taken", "taken at", "collected", "время взятия пробы", "дата взятия пробы", "дата взятия",
		"сынама алынған уақыт"},
	"laboratory": {"laboratory", "лаборатория", "зертхана"},
	"name":       {"name", "фио", "имя", "название", "аты-жөні", "аты", "атауы"},
	"phone":      {"phone", "phone number", "телефон", "номер телефона", "телефон нөмірі"},
	"region":     {"region", "регион", "область", "өңір", "облыс"},
	"bin":        {"bin", "бин", "бсн"},
	"zone":       {"zone", "зона", "аймақ"},
	"address":    {"address", "адрес", "мекенжай"},
	"capacity":   {"capacity", "вместимость", "сыйымдылығы"},
	"kind":       {"kind", "вид", "вид объекта", "түрі", "нысан түрі"},
	"entrances":  {"entrances", "entrance", "входы", "вход", "кіреберістер", "кіреберіс"},
	"exits":      {"exits", "exit", "выходы", "выход", "шығу есіктері", "шығатын есіктер"},
	"date":       {"date", "since", "дата", "дата контакта", "күні", "байланыс күні"},
	"index":      {"index", "case", "index case", "источник", "номер случая", "жұқтыру көзі", "жағдай нөмірі"},
	"number":     {"number", "номер", "нөмірі"},
}

// Columns are those of a table.
type Columns struct{ Needed, Optional []string }

var columnsOf = map[Kind]Columns{
	Laboratory: {[]string{"iin", "sample", "result", "taken"}, nil},
	Portal:     {[]string{"iin", "sample", "result", "taken"}, []string{"laboratory"}},
	Centre:     {[]string{"iin", "kind", "date"}, []string{"index", "number"}},
}

// Reader reads one file.
type Reader struct {
	in      *bufio.Reader
	comma   rune
	columns []string // in the file's order
	line    int
	rows    int
	bytes   int
	bounded bool // by MaxRows and MaxBytes
}

// Open reads the names of the columns. What cannot be used is a *Refusal; other errors are the
// reader's.
func Open(in io.Reader, kind Kind) (*Reader, error) {
	return open(&Reader{in: bufio.NewReaderSize(in, maxLine), bounded: true}, columnsOf[kind])
}

// OpenTable is Open for a table of the administrator's own, of any size. Fields reads its rows.
func OpenTable(in io.Reader, known Columns) (*Reader, error) {
	return open(&Reader{in: bufio.NewReaderSize(in, maxLine)}, known)
}

func open(r *Reader, known Columns) (*Reader, error) {
	line, err := r.next()
	if err == nil && strings.HasPrefix(string(line), "sep=") {
		line, err = r.next()
	}
	if err == io.EOF || err == nil && strings.TrimSpace(string(line)) == "" {
		return nil, r.refuse("", NoColumns, "")
	}
	if err != nil {
		return nil, err
	}
	r.comma = separator(line)
	found, refusal := r.split(line)
	if refusal != nil {
		return nil, refusal
	}
	for _, title := range found {
		name := columnOf(title, known)
		switch {
		case name == "":
			return nil, r.refuse("", UnknownColumn, shown(title))
		case slices.Contains(r.columns, name):
			return nil, r.refuse(name, DoubleColumn, shown(title))
		}
		r.columns = append(r.columns, name)
	}
	for _, name := range known.Needed {
		if !slices.Contains(r.columns, name) {
			return nil, r.refuse(name, MissingColumn, name)
		}
	}
	return r, nil
}

// separator is the one that the first line has most of.
func separator(line []byte) rune {
	best := ','
	for _, comma := range []rune{';', '\t'} {
		if bytes.Count(line, []byte(string(comma))) > bytes.Count(line, []byte(string(best))) {
			best = comma
		}
	}
	return best
}

func columnOf(title string, known Columns) string {
	title = strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(title), "_", " ")), " ")
	for _, name := range append(slices.Clone(known.Needed), known.Optional...) {
		if slices.Contains(titles[name], title) {
			return name
		}
	}
	return ""
}

// shown keeps a column's name printable and short.
func shown(title string) string {
	text := []rune(strings.Map(func(r rune) rune {
		if names.Check("x"+string(r)+"x") != nil {
			return '?'
		}
		return r
	}, title))
	return string(text[:min(len(text), 40)])
}

// Columns are those of the file, in its order.
func (r *Reader) Columns() []string { return slices.Clone(r.columns) }

// Line is the line that was read last.
func (r *Reader) Line() int { return r.line }

// Bytes is how far the file was read.
func (r *Reader) Bytes() int { return r.bytes }

// Next gives the next row of a file of records. io.EOF is the end. A *Refusal is about this row
// alone, or about all that follow where Fatal says so.
func (r *Reader) Next() (Row, error) {
	fields, err := r.fields()
	if err != nil {
		return Row{}, err
	}
	row := Row{Line: r.line}
	for i, name := range r.columns {
		if reason := row.set(name, fields[i]); reason != "" {
			return Row{}, r.Refuse(name, reason)
		}
	}
	return row, nil
}

// Fields gives the next row of a table, by column. Errors are as those of Next.
func (r *Reader) Fields() (map[string]string, error) {
	fields, err := r.fields()
	if err != nil {
		return nil, err
	}
	row := make(map[string]string, len(fields))
	for i, name := range r.columns {
		row[name] = fields[i]
	}
	return row, nil
}

func (r *Reader) fields() ([]string, error) {
	for {
		line, err := r.next()
		if err != nil {
			return nil, err
		}
		if len(bytes.Trim(line, ",;\t \"")) == 0 {
			continue // spreadsheets write them behind the last row
		}
		if r.rows++; r.bounded && r.rows > MaxRows {
			return nil, r.refuse("", TooManyRows, "")
		}
		if len(line) > maxLine {
			return nil, r.refuse("", TooLong, "")
		}
		fields, refusal := r.split(line)
		if refusal != nil {
			return nil, refusal
		}
		if len(fields) != len(r.columns) {
			return nil, r.refuse("", Fields, "")
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		return fields, nil
	}
}

// Refuse is a refusal of the row that was read last.
func (r *Reader) Refuse(field, reason string) *Refusal { return r.refuse(field, reason, "") }

// Fatal tells whether a refusal ends the reading.
func (r *Refusal) Fatal() bool { return r.Reason == TooManyRows || r.Reason == TooLarge }

// next gives a line without its end. Of one that is too long, it gives one byte more than is
// allowed and passes over the rest.
func (r *Reader) next() ([]byte, error) {
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if r.bytes += len(part); r.bounded && r.bytes > MaxBytes {
			return nil, r.refuse("", TooLarge, "")
		}
		if room := maxLine + 3 - len(line); room > 0 { // with the byte order mark or CRLF
			line = append(line, part[:min(len(part), room)]...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && len(line) == 0:
			return nil, io.EOF
		case err != nil && err != io.EOF:
			return nil, fmt.Errorf("read line %d: %w", r.line+1, err)
		}
		if r.line++; r.line == 1 {
			if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
				return nil, r.refuse("", UTF16, "")
			}
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), nil
	}
}

func (r *Reader) split(line []byte) ([]string, *Refusal) {
	if !utf8.Valid(line) {
		return nil, r.refuse("", NotUTF8, "")
	}
	fields := csv.NewReader(bytes.NewReader(line))
	fields.Comma = r.comma
	got, err := fields.Read()
	if err != nil {
		return nil, r.refuse("", Quotes, "")
	}
	return got, nil
}

func (r *Reader) refuse(field, reason, name string) *Refusal {
	return &Refusal{max(r.line, 1), field, reason, name}
}

// set takes a field, or says why not.
func (row *Row) set(name, text string) (reason string) {
	if text == "" {
		if name == "laboratory" || name == "index" || name == "number" {
			return ""
		}
		return Missing
	}
	switch name {
	case "iin":
		row.IIN = text
		return CheckIIN(text)
	case "result":
		outcome, ok := pcr.Read(text)
		if row.Kind = string(outcome); !ok {
			return ResultWord
		}
	case "kind":
		if row.Kind = kinds[strings.ToLower(text)]; row.Kind == "" {
			return KindWord
		}
	case "taken", "date":
		var ok bool
		if row.At, ok = Time(text); !ok {
			return TimeForm
		}
	default:
		text = names.Compose(text)
		if len(text) > maxName || names.Check(text) != nil {
			return NameForm
		}
		switch name {
		case "sample", "number":
			row.Sample = text
		case "laboratory":
			row.Laboratory = text
		case "index":
			row.Index = text
		}
	}
	return ""
}

var kinds = map[string]string{
	"contact": "contact", "контакт": "contact", "байланыс": "contact",
	"recovered": "recovered", "выздоровел": "recovered", "выздоровела": "recovered", "жазылған": "recovered", "жазылды": "recovered",
}

// CheckIIN tells what is wrong with the form of an IIN or BIN. It knows what spreadsheets do to
// numbers.
func CheckIIN(text string) (reason string) {
	digits := strings.Trim(text, "0123456789") == ""
	switch {
	case digits && len(text) == 12:
		return ""
	case digits && len(text) >= 9 && len(text) < 12:
		return IINZero
	case strings.ContainsAny(text, "eE") && strings.Trim(text, "0123456789.,eE+") == "":
		return IINNumber
	}
	return IINForm
}

// phoneForm is E.164.
var phoneForm = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)

// Phone brings a number as people write it into E.164: 8 701 000 00 00 is +77010000000. An empty
// one stays empty.
func Phone(text string) (number string, ok bool) {
	digits := strings.NewReplacer(" ", "", "\u00a0", "", "-", "", "(", "", ")", "").Replace(text)
	switch {
	case len(digits) == 11 && digits[0] == '8':
		digits = "+7" + digits[1:]
	case len(digits) == 11 && digits[0] == '7':
		digits = "+" + digits
	}
	return digits, digits == "" || phoneForm.MatchString(digits)
}

// kazakhstan has had one time zone since 1 March 2024.
var kazakhstan = time.FixedZone("+05", 5*60*60)

// layouts are what Time takes; those without a zone are in Kazakhstan's.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly,
	"02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006",
}

// Time reads a time as people in Kazakhstan and their programs write it.
func Time(text string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, kazakhstan); err == nil {
			return t.UTC().Truncate(time.Second), true
		}
	}
	return time.Time{}, false
}
