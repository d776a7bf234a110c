package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/registry/store"
)

// upload sends a file and waits until the registry has read it.
func (r *rig) upload(key, text string) store.Import {
	r.Helper()
	w := r.call(http.MethodPost, PathImports, key, text)
	if w.Code != http.StatusAccepted {
		r.Fatalf("the file: %d %s", w.Code, w.Body)
	}
	var i store.Import
	r.must(json.Unmarshal(w.Body.Bytes(), &i))
	for i.State == store.Running {
		time.Sleep(20 * time.Millisecond)
		r.must(json.Unmarshal(r.call(http.MethodGet, fmt.Sprintf("%s/%d", PathImports, i.ID), key, "").Body.Bytes(), &i))
	}
	return i
}

// report downloads the refused rows.
func (r *rig) refusedRows(key string, id int64, language string) string {
	r.Helper()
	req := httptest.NewRequestWithContext(r.Context(), http.MethodGet,
		fmt.Sprintf("%s/%d/refused.csv", PathImports, id), nil)
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		r.Fatalf("the report: %d %s", w.Code, w.Body)
	}
	return strings.TrimPrefix(w.Body.String(), "\ufeff")
}

const head = "iin;sample;result;taken\n"

// A row that cannot be used stops no other, and its sender learns line, field and reason.
func TestImport(t *testing.T) {
	r := newRig(t)
	lab := r.source(Laboratory)
	at, future, old := now().Format(time.RFC3339), now().Add(time.Hour).Format(time.RFC3339), now().Add(-20*24*time.Hour).Format(time.RFC3339)
	file := head + strings.Join([]string{
		iinA + ";A-1;negative;" + at,
		iinB + ";A-2;оң;" + at,
		iinA + ";A-1;negative;" + at, // doubled
		iinA + ";A-1;positive;" + at, // contradicts it
		iinA[:11] + "9;A-3;negative;" + at,
		iinA + ";A-4;negative;" + future,
		iinA + ";A-5;negative;" + old,
		"11399500018;A-6;negative;" + at,
		iinA + ";A-7;inconclusive;" + at,
	}, "\n")
	i := r.upload(lab, file)
	if i.State != store.Finished || i.Entered != 3 || i.Known != 1 || i.Refused != 5 || i.Line != 10 ||
		i.Done != i.Size || i.Size != int64(len(file)) {
		t.Errorf("import: %+v", i)
	}
	const want = "line;column;reason\r\n" +
		"5;;this sample was reported before with different content\r\n" +
		"6;iin;is not 12 digits with a valid check digit\r\n" +
		"7;taken;is in the future\r\n" +
		"8;taken;is more than 3 days ago\r\n" +
		"9;iin;the zeros at the start of the IIN are missing: format the column as text before you save\r\n"
	if got := r.refusedRows(lab, i.ID, "en"); got != want {
		t.Errorf("report:\n%s\nwant\n%s", got, want)
	}
	if got := r.refusedRows(lab, i.ID, "kk-KZ,kk;q=0.9"); !strings.HasPrefix(got, "жол;баған;себебі\r\n5;;бұл сынама") ||
		!strings.Contains(got, "8;сынама алынған уақыт;3 күннен бұрын") {
		t.Errorf("the report in Kazakh:\n%s", got)
	}

	again := r.upload(lab, file)
	if again.Entered != 0 || again.Known != 4 || again.Refused != 5 {
		t.Errorf("the same file again: %+v", again)
	}
	var all ImportsAnswer
	r.must(json.Unmarshal(r.call(http.MethodGet, PathImports, lab, "").Body.Bytes(), &all))
	if len(all.Imports) != 2 || all.Imports[0] != again || all.Imports[1] != i {
		t.Errorf("the list: %+v", all)
	}
	other := r.source(PCRPortal)
	for _, path := range []string{"/%d", "/%d/refused.csv"} {
		if w := r.call(http.MethodGet, PathImports+fmt.Sprintf(path, i.ID), other, ""); w.Code != http.StatusNotFound {
			t.Errorf("another source gets %d %s", w.Code, w.Body)
		}
	}
}

func TestImportOfCentreAndPortal(t *testing.T) {
	r := newRig(t)
	at := now().Format(time.RFC3339)
	i := r.upload(r.source(Covid19Centre), "iin,kind,date,index,number\n"+iinA+",contact,"+at+","+iinB+",\n"+iinB+",recovered,"+at+",,C-1\n"+iinB+",recovered,"+at+",case 7,C-2\n")
	if i.Entered != 2 || i.Refused != 1 {
		t.Errorf("centre: %+v", i)
	}
	i = r.upload(r.source(PCRPortal), "iin,sample,result,taken,laboratory\n"+iinA+",A-1,negative,"+at+",City laboratory 3\n")
	if i.Entered != 1 {
		t.Errorf("portal: %+v", i)
	}
}

// What a file has beyond the hourly limit waits, and the sender learns how many.
func TestImportWaits(t *testing.T) {
	r := newRig(t)
	lab := r.source(Laboratory)
	text := head
	for n := range 150 {
		text += fmt.Sprintf("%s;S-%d;positive;%s\n", person(n), n, now().Format(time.RFC3339))
	}
	if i := r.upload(lab, text); i.Entered != 100 || i.Waits != 50 {
		t.Errorf("import: %+v", i)
	}
}

// A file that cannot be used is refused before anything is entered.
func TestImportRefused(t *testing.T) {
	r := newRig(t)
	lab := r.source(Laboratory)
	for _, test := range []struct {
		text, person, want string
		code               int
	}{
		{"", "", "first line has to name", http.StatusBadRequest},
		{"iin;sample;result\n", "", `the column \"taken\" is missing`, http.StatusBadRequest},
		{"\xc8\xc8\xcd\n", "", "windows-1251", http.StatusBadRequest},
		{head, "x\u202ey", "person cannot be used", http.StatusBadRequest},
		{strings.Repeat("x", 64<<20+1), "", "too large", http.StatusRequestEntityTooLarge},
	} {
		w := r.call(http.MethodPost, PathImports+"?person="+test.person, lab, test.text)
		if w.Code != test.code || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%.20q: %d %s", test.text, w.Code, w.Body)
		}
	}
	if w := r.call(http.MethodPost, PathImports, r.source(VaccinationRegister), head); w.Code != http.StatusForbidden {
		t.Errorf("the vaccination register: %d %s", w.Code, w.Body)
	}
	if w := r.call(http.MethodDelete, PathImports, lab, ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", w.Code)
	}
	// The place of the refused files is free again.
	if i := r.upload(lab, head); i.State != store.Finished {
		t.Errorf("a file without rows: %+v", i)
	}
}

// The language of an error is that of the page.
// A file without the names of its columns begins with a person, who must not get into the log.
func TestImportLogsNoPerson(t *testing.T) {
	r := newRig(t)
	lab := r.source(Laboratory)
	for _, row := range []string{iinA + ";A-1;negative;", "Aigerim;A-1;negative;", "iin;Aigerim;Aigerim", "IIN;iin;" + iinA} {
		w := r.call(http.MethodPost, PathImports, lab, row+"\n")
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "column") {
			t.Errorf("%q: %d %s", row, w.Code, w.Body)
		}
	}
	if w := r.call(http.MethodPost, PathVenueImport, adminKey, "Aigerim;"+iinA+"\n"); w.Code != http.StatusBadRequest {
		t.Errorf("venues: %d %s", w.Code, w.Body)
	}
	for _, secret := range []string{iinA, "Aigerim"} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

func TestErrorsInTheLanguageOfThePage(t *testing.T) {
	r := newRig(t)
	lab := r.source(Laboratory)
	for language, want := range map[string]string{
		"kk": "файлды пайдалану мүмкін емес: \"ФИО\" деген баған болмайды", "ru-KZ": "файл не подходит: столбца \"ФИО\" " +
			"быть не должно", "en": "the file cannot be used", "": "the file cannot be used", "fr": "the file cannot be used",
	} {
		req := httptest.NewRequest(http.MethodPost, PathImports, strings.NewReader("iin;sample;result;taken;ФИО\n"))
		req.Header.Set("Authorization", "Bearer "+lab)
		req.Header.Set("Accept-Language", language)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		var answer struct{ Error string }
		r.must(json.Unmarshal(w.Body.Bytes(), &answer))
		if !strings.HasPrefix(answer.Error, want) {
			t.Errorf("%q: %q", language, answer.Error)
		}
	}
}

// A source that is suspended meanwhile is told so, and how far its file was read.
func TestImportOfSuspendedSource(t *testing.T) {
	r := newRig(t)
	lab := r.source(Laboratory)
	src, err := r.opt.Store.SourceOf(t.Context(), store.SecretOf(lab))
	r.must(err)
	r.must(r.opt.Store.SuspendSource(t.Context(), src.Name, now()))
	i := &importing{Import: store.Import{State: store.Running}, server: r.Server, source: src}
	i.batch, i.lines = []EntryRequest{{IIN: iinA, Sample: "1", Kind: "negative", At: now()}}, []int{2}
	if err := i.enter(t.Context()); err == nil || asFailure(err).code != http.StatusForbidden {
		t.Errorf("entering goes on: %v", err)
	}
}

// An import whose registry is gone counts as interrupted, at once where nobody else has the
// database.
func TestInterruptedImport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab := r.source(Laboratory)
		src, err := r.opt.Store.SourceOf(t.Context(), store.SecretOf(lab))
		r.must(err)
		start := func() int64 {
			id, err := r.opt.Store.StartImport(t.Context(), src.ID, "clerk", 10, now())
			r.must(err)
			return id
		}
		state := func(id int64) (i store.Import) {
			r.must(json.Unmarshal(r.call(http.MethodGet, fmt.Sprintf("%s/%d", PathImports, id), lab, "").Body.Bytes(), &i))
			return i
		}
		id := start()
		r.must(r.opt.Store.NoteImport(t.Context(), store.Import{ID: id, State: store.Running, Line: 1000,
			Entered: 999}, nil, now()))
		if w := r.call(http.MethodPost, PathImports, lab, head); w.Code != http.StatusConflict {
			t.Errorf("a second file at the same time: %d %s", w.Code, w.Body)
		}
		r.stop()
		r.start()
		if i := state(id); i.State != store.Interrupted || i.Line != 1000 || i.Entered != 999 {
			t.Errorf("after a restart: %+v", i)
		}
		id = start()
		time.Sleep(lifeless - time.Second)
		if i := state(id); i.State != store.Running {
			t.Errorf("before %v without a sign: %+v", lifeless, i)
		}
		time.Sleep(3 * time.Second)
		if i := state(id); i.State != store.Interrupted {
			t.Errorf("after %v without a sign: %+v", lifeless, i)
		}
	})
}
