package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/registry/store"
)

// importFile sends a file of venues.
func (r *rig) importFile(query, language, file string) (a VenueImportAnswer, w *httptest.ResponseRecorder) {
	r.Helper()
	req := httptest.NewRequestWithContext(r.Context(), http.MethodPost, PathVenueImport+query, strings.NewReader(file))
	req.Header.Set("Authorization", "Bearer "+adminKey)
	req.Header.Set("Accept-Language", language)
	w = httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if w.Code == http.StatusOK {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			r.Fatal(err)
		}
	}
	return a, w
}

// excelFile is as a spreadsheet in Kazakhstan writes it: with a byte order mark, semicolons, CRLF
// and empty rows at the end.
const excelFile = "\ufeffБИН;Название;Вид объекта;Регион;Зона;Адрес;Вместимость;Телефон;Входы;Выходы\r\n" +
	"990140000007;\"Керуен; сауда үйі\";Сауда орталығы;г. Алматы;жёлтая;\"Абай 12, 3\";500;8 (701) 000-00-00;Солтүстік | Оңтүстік;1\r\n" +
	"990140000007;Аптека;аптека;Алматинская обл.;;;;;2;\r\n" +
	"990140000007;Shop;shop;Abai Region;green;;;;;\r\n" +
	";;;;;;;;;\r\n"

func TestVenueFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		count := func(a VenueImportAnswer) string {
			return fmt.Sprint(a.New, a.Changed, a.Same, a.Doors, a.Regions, a.Refused)
		}
		all := func() (venues []store.Venue) {
			r.get(PathVenues, &venues)
			return venues
		}
		const news = "3 0 0 6 map[KZ-10:1 KZ-19:1 KZ-75:1] []"
		if a, _ := r.importFile("?preview=1", "", excelFile); count(a) != news || len(all()) != 0 {
			t.Errorf("preview: %s, then there are %d venues", count(a), len(all()))
		}
		if a, _ := r.importFile("", "", excelFile); count(a) != news {
			t.Errorf("import: %s", count(a))
		}
		want := store.Venue{ID: all()[2].ID, BIN: "990140000007", Name: "Керуен; сауда үйі",
			Kind: "shopping-mall", Region: "KZ-75",
			Zone: "yellow", Address: "Абай 12, 3", Capacity: 500, Phone: "+77010000000",
			Entrances: []string{"Солтүстік", "Оңтүстік"}, Exits: []string{"Шығу 1"}}
		before := all()
		if !reflect.DeepEqual(before[2], want) || !slices.Equal(before[1].Entrances, []string{"Кіру 1", "Кіру 2"}) {
			t.Errorf("stored: %+v", before)
		}
		if a, _ := r.importFile("", "", excelFile); count(a) != "0 0 3 6 map[KZ-10:1 KZ-19:1 KZ-75:1] []" ||
			!reflect.DeepEqual(all(), before) {
			t.Errorf("the same again: %s, %+v", count(a), all())
		}
		// A file with fewer columns leaves the others alone.
		if a, _ := r.importFile("", "",
			"bin,name,kind,region\n990140000007,Аптека,pharmacy,KZ-19\n990140000007,Shop,market,KZ-10\n"); a.Same != 1 || a.Changed != 1 {
			t.Errorf("fewer columns: %s", count(a))
		}
		if got := all(); got[0].Kind != "market" || !reflect.DeepEqual(got[1].Entrances, before[1].Entrances) {
			t.Errorf("after fewer columns: %+v", got)
		}
	})
}

func TestVenueFileRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		const good = "990140000007,Shop %d,shop,KZ-75,green,,,,,\n"
		for row, want := range map[string]string{
			"990140000008,a,shop,KZ-75,green,,,,,":        "БИН|не сходится контрольная цифра: одна цифра набрана неверно",
			"90140000007,a,shop,KZ-75,green,,,,,":         "БИН|потеряны нули в начале БИН: перед сохранением сделайте формат столбца текстовым",
			"9.9014E+11,a,shop,KZ-75,green,,,,,":          "БИН|таблица округлила БИН: сделайте формат столбца текстовым и введите его снова",
			"990140000007,,shop,KZ-75,green,,,,,":         "название|пусто",
			"990140000007,a\u202eb,shop,KZ-75,green,,,,,": "название|слишком длинно или с невидимыми знаками",
			"990140000007,a,луна,KZ-75,green,,,,,":        "вид|неизвестен: напишите, как в списке на странице",
			"990140000007,a,shop,Атлантида,green,,,,,":    "регион|неизвестен: напишите название полностью или код вроде KZ-75",
			"990140000007,a,shop,KZ-75,blue,,,,,":         "зона|напишите красная, жёлтая или зелёная",
			"990140000007,a,shop,KZ-75,green," + strings.Repeat("a",
				201) + ",,,,": "адрес|слишком длинно или с невидимыми знаками",
			"990140000007,a,shop,KZ-75,green,,-1,,,":          "вместимость|напишите от 0 до 100000 человек",
			"990140000007,a,shop,KZ-75,green,,many,,,":        "вместимость|напишите от 0 до 100000 человек",
			"990140000007,a,shop,KZ-75,green,,,12,,":          "телефон|напишите так: +77010000000",
			"990140000007,a,shop,KZ-75,green,,,,21,":          "входы|напишите, сколько их, не больше 20, или их названия через |",
			"990140000007,a,shop,KZ-75,green,,,,\"2,0\",":     "входы|напишите, сколько их, не больше 20, или их названия через |",
			"990140000007,a,shop,KZ-75,green,,,,,2.0":         "выходы|напишите, сколько их, не больше 20, или их названия через |",
			"990140000007,a,shop,KZ-75,green,,,,a|A,":         "входы|напишите, сколько их, не больше 20, или их названия через |",
			"990140000007,a,shop,KZ-75,green,,,,a|b,B":        "выходы|напишите, сколько их, не больше 20, или их названия через |",
			"990140000007,Shop 1,shop,KZ-75,green,,,,,":       "название|этот объект уже есть в файле, строка 2",
			"990140000007,a,shop":                             "|число полей не равно числу столбцов",
			"990140000007,\"a,shop,KZ-75,green,,,,,":          "|кавычка стоит не на месте или не закрыта",
			"990140000007,\xcc\xe0\xe3,shop,KZ-75,green,,,,,": "|не UTF-8, вероятно windows-1251: сохраните файл как CSV UTF-8",
		} {
			file := "bin,name,kind,region,zone,address,capacity,phone,entrances,exits\n" + fmt.Sprintf(good,
				1) + row + "\n" + fmt.Sprintf(good, 2)
			a, w := r.importFile("?preview=1", "ru", file)
			if w.Code != http.StatusOK || len(a.Refused) != 1 || a.New != 2 {
				t.Errorf("%q: %d %+v", row, w.Code, a)
				continue
			}
			if got := a.Refused[0].Field + "|" + a.Refused[0].Reason; got != want || a.Refused[0].Line != 3 {
				t.Errorf("%q: line %d, %s, want %s", row, a.Refused[0].Line, got, want)
			}
		}
		for file, want := range map[string]string{
			"":                                  "файл пуст",
			"bin,name,kind\n":                   `нет столбца "region"`,
			"bin,name,kind,region,owner\n":      `столбца "owner" быть не должно`,
			"\xff\xfeb\x00i\x00":                "UTF-16",
			strings.Repeat("x", maxVenueFile+1): "",
			"bin,name,kind,region\n" + strings.Repeat("1,a,shop,KZ-75\n", maxVenueRows+1): "больше 20000 объектов",
		} {
			if _, w := r.importFile("", "ru", file); w.Code < 400 || w.Code >= 500 ||
				!strings.Contains(strings.ReplaceAll(w.Body.String(), `\"`, `"`), want) {
				t.Errorf("%.40q: %d %s", file, w.Code, w.Body)
			}
		}
		var venues []store.Venue
		if r.get(PathVenues, &venues); len(venues) != 0 {
			t.Errorf("stored all the same: %+v", venues)
		}
	})
}

// venuesFile is a file of so many venues.
func venuesFile(n int) string {
	var file strings.Builder
	file.WriteString("bin;name;kind;region;zone;address;capacity;phone;entrances;exits\n")
	for i := range n {
		fmt.Fprintf(&file, "990140000007;Venue %05d;shop;%s;green;Abay %d;100;+77010000000;2;1\n", i,
			kazakhstan[i%8].Code, i)
	}
	return file.String()
}

func TestTenThousandVenues(t *testing.T) {
	r := newRig(t)
	venues := 10_000
	if testing.Short() {
		venues = 1000
	}
	file := venuesFile(venues)
	for _, step := range []struct {
		query string
		want  [3]int
	}{{"?preview=1", [3]int{venues, 0, 0}}, {"", [3]int{venues, 0, 0}}, {"", [3]int{0, 0, venues}}} {
		start := time.Now()
		a, w := r.importFile(step.query, "", file)
		t.Logf("%q: %v", step.query, time.Since(start).Round(time.Millisecond))
		if got := [3]int{a.New, a.Changed, a.Same}; got != step.want || a.Doors != 3*venues {
			t.Errorf("%q: %v, %d doors, want %v: %d", step.query, got, a.Doors, step.want, w.Code)
		}
	}
}
