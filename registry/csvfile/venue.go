package csvfile

import (
	"slices"
	"strings"
)

// venueKinds are the kinds of venues of package kiosk, as people write them: in Kazakh and in
// Russian, in lower case and with е for ё. The words of the pages are among them.
var venueKinds = map[string][]string{
	"airport":           {"әуежай", "аэропорт"},
	"banquet-hall":      {"банкет залы", "тойхана", "банкетный зал"},
	"beauty-salon":      {"сұлулық салоны", "салон красоты"},
	"bowling":           {"боулинг"},
	"bus-station":       {"автовокзал", "автостанция"},
	"casino":            {"казино"},
	"cinema":            {"кинотеатр", "кино"},
	"computer-club":     {"компьютер клубы", "компьютерлік клуб", "компьютерный клуб"},
	"conference":        {"конференция", "конференц-зал"},
	"dentist":           {"стоматология", "тіс емханасы"},
	"exhibition":        {"көрме", "выставка"},
	"fitness":           {"фитнес", "фитнес-клуб", "фитнес клуб", "спортзал"},
	"food-court":        {"фуд-корт", "фудкорт"},
	"government-office": {"мемлекеттік мекеме", "мемлекеттік орган", "госучреждение", "государственное учреждение", "цон", "хқко"},
	"hotel":             {"қонақүй", "гостиница", "отель"},
	"karaoke":           {"караоке"},
	"library":           {"кітапхана", "библиотека"},
	"market":            {"базар", "рынок"},
	"museum":            {"музей", "мұражай"},
	"nightclub":         {"түнгі клуб", "ночной клуб"},
	"office":            {"кеңсе", "офис"},
	"pharmacy":          {"дәріхана", "аптека"},
	"playground":        {"балалар алаңы", "ойын алаңы", "детская площадка", "детский развлекательный центр"},
	"pool":              {"бассейн", "жүзу бассейні"},
	"prayer-house":      {"ғибадатхана", "мешіт", "культовое учреждение", "мечеть", "церковь", "храм"},
	"railway-station":   {"теміржол вокзалы", "вокзал", "железнодорожный вокзал"},
	"restaurant":        {"мейрамхана", "дәмхана", "асхана", "ресторан", "кафе", "столовая"},
	"sauna":             {"сауна", "монша", "баня"},
	"school":            {"мектеп", "школа"},
	"shop":              {"дүкен", "магазин", "супермаркет"},
	"shopping-mall":     {"сауда орталығы", "сауда үйі", "торговый центр", "торговый дом", "трц", "тц"},
	"sport-event":       {"спорттық іс-шара", "спорт іс-шарасы", "спортивное мероприятие"},
	"theatre":           {"театр"},
}

var zones = map[string][]string{
	"red": {"қызыл", "красная", "красный"}, "yellow": {"сары", "желтая", "желтый"}, "green": {"жасыл", "зеленая", "зеленый"},
}

// VenueKind reads a kind of venue as people write it.
func VenueKind(text string) (kind string, ok bool) { return wordIn(venueKinds, text) }

// Zone reads red, yellow or green as people write it.
func Zone(text string) (zone string, ok bool) { return wordIn(zones, text) }

func wordIn(table map[string][]string, text string) (string, bool) {
	text = strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(text), "ё", "е")), " ")
	if english := strings.ReplaceAll(text, " ", "-"); table[english] != nil {
		return english, true
	}
	for word, others := range table {
		if slices.Contains(others, text) {
			return word, true
		}
	}
	return "", false
}
