// Package kinds has the names of the kinds of venues and of the zones, in Kazakh, Russian and
// English: what pages show, and what people may write instead.
package kinds

import "strings"

// Kind is one of package kiosk's kinds of venues or zones.
type Kind struct {
	Key  string   `json:"key"` // as rules and doors have it
	KK   string   `json:"kk"`
	RU   string   `json:"ru"`
	EN   string   `json:"en"`
	Also []string `json:"also,omitempty"` // other words for it
}

// Venues are the kinds of venues.
var Venues = []Kind{
	{"airport", "Әуежай", "Аэропорт", "Airport", nil},
	{"banquet-hall", "Банкет залы", "Банкетный зал", "Banquet hall", []string{"тойхана"}},
	{"beauty-salon", "Сұлулық салоны", "Салон красоты", "Beauty salon", nil},
	{"bowling", "Боулинг", "Боулинг", "Bowling", nil},
	{"bus-station", "Автовокзал", "Автовокзал", "Bus station", []string{"автостанция"}},
	{"casino", "Казино", "Казино", "Casino", nil},
	{"cinema", "Кинотеатр", "Кинотеатр", "Cinema", []string{"кино"}},
	{"computer-club", "Компьютер клубы", "Компьютерный клуб", "Computer club", []string{"компьютерлік клуб"}},
	{"conference", "Конференция", "Конференция", "Conference", []string{"конференц-зал"}},
	{"dentist", "Стоматология", "Стоматология", "Dentist", []string{"тіс емханасы"}},
	{"exhibition", "Көрме", "Выставка", "Exhibition", nil},
	{"fitness", "Фитнес", "Фитнес", "Fitness", []string{"фитнес-клуб", "фитнес клуб", "спортзал"}},
	{"food-court", "Фуд-корт", "Фуд-корт", "Food court", []string{"фудкорт"}},
	{"government-office", "Мемлекеттік мекеме", "Госучреждение", "Government office", []string{"мемлекеттік орган", "государственное учреждение", "цон", "хқко"}},
	{"hotel", "Қонақүй", "Гостиница", "Hotel", []string{"отель"}},
	{"karaoke", "Караоке", "Караоке", "Karaoke", nil},
	{"library", "Кітапхана", "Библиотека", "Library", nil},
	{"market", "Базар", "Рынок", "Market", nil},
	{"museum", "Мұражай", "Музей", "Museum", nil},
	{"nightclub", "Түнгі клуб", "Ночной клуб", "Nightclub", nil},
	{"office", "Кеңсе", "Офис", "Office", nil},
	{"pharmacy", "Дәріхана", "Аптека", "Pharmacy", nil},
	{"playground", "Балалар алаңы", "Детская площадка", "Playground", []string{"ойын алаңы", "детский развлекательный центр"}},
	{"pool", "Бассейн", "Бассейн", "Pool", []string{"жүзу бассейні"}},
	{"prayer-house", "Ғибадатхана", "Культовое учреждение", "Prayer house", []string{"мешіт", "мечеть", "церковь", "храм"}},
	{"railway-station", "Теміржол вокзалы", "Железнодорожный вокзал", "Railway station", []string{"вокзал"}},
	{"restaurant", "Мейрамхана не кафе", "Ресторан или кафе", "Restaurant or café", []string{"мейрамхана", "дәмхана", "асхана", "ресторан", "кафе", "столовая"}},
	{"sauna", "Сауна не монша", "Сауна или баня", "Sauna", []string{"сауна", "монша", "баня"}},
	{"school", "Мектеп", "Школа", "School", nil},
	{"shop", "Дүкен", "Магазин", "Shop", []string{"супермаркет"}},
	{"shopping-mall", "Сауда орталығы", "Торговый центр", "Shopping mall", []string{"сауда үйі", "торговый дом", "трц", "тц"}},
	{"sport-event", "Спорттық іс-шара", "Спортивное мероприятие", "Sport event", []string{"спорт іс-шарасы"}},
	{"theatre", "Театр", "Театр", "Theatre", nil},
}

// Zones are the epidemiological zones.
var Zones = []Kind{
	{"green", "Жасыл", "Зелёная", "Green", []string{"зеленый"}},
	{"yellow", "Сары", "Жёлтая", "Yellow", []string{"желтый"}},
	{"red", "Қызыл", "Красная", "Red", []string{"красный"}},
}

// Venue reads a kind of venue as people write it, and gives its key.
func Venue(text string) (key string, ok bool) { return find(venueWords, text) }

// Zone reads a zone as people write it, and gives its key.
func Zone(text string) (key string, ok bool) { return find(zoneWords, text) }

// venueWords and zoneWords give the key by word: a file has thousands of them.
var venueWords, zoneWords = index(Venues), index(Zones)

func index(kinds []Kind) map[string]string {
	keys := map[string]string{}
	for _, k := range kinds {
		for _, word := range append([]string{k.Key, k.KK, k.RU, k.EN}, k.Also...) {
			keys[plain(word)] = k.Key
		}
	}
	return keys
}

func find(keys map[string]string, text string) (key string, ok bool) {
	key, ok = keys[plain(text)]
	return key, ok
}

var alike = strings.NewReplacer("ё", "е", "-", " ")

// plain makes the same text of what is the same word.
func plain(text string) string {
	return strings.Join(strings.Fields(alike.Replace(strings.ToLower(text))), " ")
}
