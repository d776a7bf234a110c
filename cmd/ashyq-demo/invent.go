package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"ashyq-kiosk/registry/store"
)

// What the country is made of. All people and organisations are invented: names are put together at
// random, and no telephone has one of these numbers.

// kazakhstan has one time zone.
var kazakhstan = time.FixedZone("+05", 5*60*60)

// region is one of the eight of the country.
type region struct {
	code  string // ISO 3166-2
	zone  string // of its venues
	towns []string
	area  string // telephone code
	share int    // of 100 people, and of 100 venues
}

var regions = []region{
	{"KZ-75", "yellow", []string{"Алматы"}, "727", 24},
	{"KZ-71", "yellow", []string{"Астана"}, "7172", 19},
	{"KZ-79", "green", []string{"Шымкент"}, "7252", 13},
	{"KZ-35", "green", []string{"Қарағанды", "Теміртау", "Балқаш"}, "7212", 12},
	{"KZ-63", "red", []string{"Өскемен", "Риддер"}, "7232", 10},
	{"KZ-55", "green", []string{"Павлодар", "Екібастұз"}, "7182", 8},
	{"KZ-61", "green", []string{"Түркістан", "Кентау"}, "7253", 8},
	{"KZ-11", "green", []string{"Көкшетау", "Степногор"}, "7162", 6},
}

// business is a kind of venues: how many of 499 there are, how they are called, and when people
// come.
type business struct {
	kind             string // kiosk.Venue
	venues           int
	called           []string
	opens, closes    int // hours of the day; 0 and 24: day and night
	busiest          int // checks in an hour at one door
	entrances, exits int // 0: one that has no name, and no exit with a door
}

var businesses = []business{
	{"shop", 117, []string{"Дүкен", "Магазин", "Супермаркет"}, 8, 23, 40, 0, 0},
	{"restaurant", 90, []string{"Дәмхана", "Кафе", "Мейрамхана"}, 11, 23, 20, 0, 0},
	{"pharmacy", 70, []string{"Дәріхана", "Аптека"}, 8, 23, 18, 0, 0},
	{"government-office", 36, []string{"Халыққа қызмет көрсету орталығы", "Әкімдік бөлімі"}, 9, 18, 24, 0, 0},
	{"beauty-salon", 32, []string{"Сұлулық салоны", "Салон красоты"}, 10, 20, 5, 0, 0},
	{"fitness", 26, []string{"Фитнес"}, 7, 22, 12, 0, 0},
	{"dentist", 22, []string{"Стоматология"}, 9, 19, 5, 0, 0},
	{"shopping-mall", 22, []string{"Сауда орталығы", "ТРЦ"}, 10, 22, 60, 2, 1},
	{"market", 16, []string{"Базар"}, 8, 19, 60, 2, 0},
	{"hotel", 14, []string{"Қонақүй"}, 0, 24, 6, 0, 0},
	{"cinema", 14, []string{"Кинотеатр"}, 10, 24, 24, 0, 0},
	{"library", 10, []string{"Кітапхана"}, 9, 19, 8, 0, 0},
	{"bus-station", 9, []string{"Автовокзал"}, 0, 24, 35, 0, 0},
	{"theatre", 7, []string{"Театр"}, 17, 22, 30, 0, 0},
	{"museum", 6, []string{"Мұражай"}, 10, 18, 10, 0, 0},
	{"railway-station", 5, []string{"Теміржол вокзалы"}, 0, 24, 45, 1, 1},
	{"airport", 3, []string{"Әуежай"}, 0, 24, 50, 2, 0},
}

var (
	stems = []string{"Алатау", "Береке", "Достық", "Шаңырақ", "Самал", "Арман", "Жібек", "Айсұлу", "Шапағат", "Тұмар",
		"Ақбота", "Сарыарқа", "Көктем", "Жайлау", "Қайнар", "Бәйтерек", "Наурыз", "Кең дала", "Аққу", "Жұлдыз",
		"Ертіс",
		"Есіл", "Тұлпар", "Қарлығаш", "Мерей", "Ырыс", "Ақжол", "Көкмайса", "Балдәурен", "Мөлдір", "Саялы", "Атамекен",
		"Байқоныр", "Жеті қазына", "Алтын бидай", "Ақ желкен", "Сұңқар", "Дархан", "Қызғалдақ", "Таңшолпан"}
	streets = []string{"Абай", "Сәтбаев", "Достық", "Бейбітшілік", "Жамбыл", "Әуезов", "Гоголь", "Желтоқсан",
		"Тәуелсіздік", "Гагарин", "Пушкин", "Байтұрсынов", "Республика", "Наурызбай батыр"}
	families = []string{"Ахметов", "Омаров", "Оспанов", "Жұмабаев", "Ибраев", "Ысқақов", "Байжанов",
		"Әбдірахманов", "Қасымов", "Рахымов", "Мұсаев", "Сәрсенов", "Тілеуов", "Жақыпов", "Бекетов", "Сейітов",
		"Төлегенов", "Қуанышев", "Ержанов", "Досанов"}
	men = []string{"Нұрлан", "Ерлан", "Асхат", "Дәурен", "Қайрат", "Марат", "Тимур", "Санжар", "Әлихан", "Берік",
		"Руслан", "Арман", "Бауыржан", "Данияр", "Мирас", "Сұлтан", "Ерасыл", "Жандос", "Мұрат", "Серік"}
	women = []string{"Айгерім", "Динара", "Гүлнар", "Мадина", "Әсел", "Жанар", "Сәуле", "Аружан", "Камила", "Томирис",
		"Инкар", "Назерке", "Алия", "Зарина", "Балжан", "Ақмарал", "Гүлмира", "Меруерт", "Айша", "Раушан"}
)

// oneOf takes one at random.
func oneOf[T any](dice *rand.Rand, list []T) T { return list[dice.IntN(len(list))] }

// regionOf takes a region at random, by their shares.
func regionOf(dice *rand.Rand) region {
	n := dice.IntN(100)
	for _, r := range regions {
		if n -= r.share; n < 0 {
			return r
		}
	}
	return regions[0]
}

// inventVenues is a file of 499 venues as an administrator imports it: with that of the demo's door
// they are 500.
func inventVenues(dice *rand.Rand) string {
	var file strings.Builder
	file.WriteString("bin;name;kind;region;zone;address;phone;entrances;exits\n")
	owners := map[string]string{} // BIN by name: a chain is one organisation
	n := 0
	for _, b := range businesses {
		names := combine(dice, b)
		for _, name := range names[:b.venues] {
			n++
			r := regionOf(dice)
			if n <= len(regions) {
				r = regions[n-1] // each has one
			}
			owner := b.kind + name[strings.Index(name, "«"):]
			if owners[owner] == "" {
				owners[owner] = inventNumber(dice, func() string {
					return fmt.Sprintf("%02d%02d40%05d", dice.IntN(21), 1+dice.IntN(12), dice.IntN(100_000))
				})
			}
			address := fmt.Sprintf("%s, %s көшесі, %d", oneOf(dice, r.towns), oneOf(dice, streets), 1+dice.IntN(180))
			phone := "+7" + r.area + fmt.Sprintf("%0*d", 10-len(r.area), n) // no local number begins with 0
			fmt.Fprintf(&file, "%s;%s;%s;%s;%s;%s;%s;%d;%d\n",
				owners[owner], name, b.kind, r.code, r.zone, address, phone, b.entrances, b.exits)
		}
	}
	return file.String()
}

// combine makes different names for venues of a kind.
func combine(dice *rand.Rand, b business) []string {
	var all []string
	for _, called := range b.called {
		for _, stem := range stems {
			all = append(all, called+" «"+stem+"»")
		}
	}
	dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// inventPeople makes so many people with different numbers.
func inventPeople(dice *rand.Rand, n int) []store.Resident {
	known, all := map[string]bool{}, make([]store.Resident, 0, n)
	for len(all) < n {
		woman := dice.IntN(2) == 1
		born := time.Date(1935, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, dice.IntN(27_000)) // until 2008
		number := inventNumber(dice, func() string {
			sex := 3 // and the century of the birth
			if born.Year() >= 2000 {
				sex = 5
			}
			if woman {
				sex++
			}
			return fmt.Sprintf("%s%d%04d", born.Format("060102"), sex, dice.IntN(10_000))
		})
		if known[number] {
			continue
		}
		known[number] = true
		all = append(all, store.Resident{IIN: store.IIN(number), Name: inventName(dice, woman),
			Phone: fmt.Sprintf("+7709%07d", len(all)), Region: regionOf(dice).code}) // nobody has 709
	}
	return all
}

func inventName(dice *rand.Rand, woman bool) string {
	family, father := oneOf(dice, families), oneOf(dice, men)
	if woman {
		return family + "а " + oneOf(dice, women) + " " + father + "қызы"
	}
	return family + " " + oneOf(dice, men) + " " + father + "ұлы"
}

// inventNumber makes digits until they have a check digit.
func inventNumber(dice *rand.Rand, eleven func() string) string {
	for {
		if number, ok := numbered(eleven()); ok {
			return number
		}
	}
}
