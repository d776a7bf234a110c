package server

import (
	"net/http"
	"regexp"
	"strings"

	"golang.org/x/text/language"
)

// wanted gives what translates into the language that a request asks for. Programs that ask for
// none get English.
func wanted(r *http.Request) func(string) string {
	which := -1
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err == nil && len(tags) > 0 {
		switch base, _ := tags[0].Base(); base.String() {
		case "kk":
			which = 0
		case "ru":
			which = 1
		}
	}
	return func(text string) string { return translate(text, which) }
}

// variable finds what differs from one text to the next: a quoted name, or a number.
var variable = regexp.MustCompile(`"[^"]*"|[0-9]+`)

// translate looks a text up: as it is, then with {} in the places of what is variable, then as a
// field and what is wrong with it, then in two parts, the second one behind a colon. What is not
// known stays English.
func translate(text string, which int) string {
	if which < 0 {
		return text
	}
	if known, ok := words[text]; ok {
		return known[which]
	}
	var values []string
	pattern := variable.ReplaceAllStringFunc(text, func(value string) string {
		values = append(values, value)
		return "{}"
	})
	if known, ok := words[pattern]; ok {
		text := known[which]
		for _, value := range values {
			text = strings.Replace(text, "{}", value, 1)
		}
		return text
	}
	if first, second, ok := strings.Cut(text, " "); ok { // the field of a FieldError
		known, isField := words[first]
		if said := translate(second, which); isField && said != second {
			return known[which] + ": " + said
		}
	}
	if first, second, ok := strings.Cut(text, ": "); ok {
		if known, ok := words[first]; ok {
			return known[which] + ": " + translate(second, which)
		}
	}
	return text
}

// words are what offices are told, in Kazakh and Russian. The keys are in the code of this package
// and in csvfile.Reasons; a test finds those that are missing here.
var words = map[string][2]string{
	// What phones ask.
	"this pass was revoked":                                                           {"бұл рұқсатнаманың күші жойылған", "этот пропуск отозван"},
	"sign in again, or ask where you registered":                                      {"қайта кіріңіз немесе тіркелген жеріңізге хабарласыңыз", "войдите снова или обратитесь туда, где вас зарегистрировали"},
	"this phone asked for codes too often today":                                      {"бұл телефон бүгін кодты тым көп сұрады", "этот телефон сегодня слишком часто запрашивал коды"},
	"it may again tomorrow":                                                           {"ертең қайта сұрай алады", "завтра можно будет снова"},
	"a day is past or too far ahead":                                                  {"күн өтіп кеткен немесе тым алыс", "день уже прошёл или слишком далеко"},
	"ask for today and the {} days after it, by UTC":                                  {"бүгінгі және одан кейінгі {} күнді сұраңыз (UTC бойынша)", "запрашивайте сегодняшний день и {} дней после него, по UTC"},
	"the pass is not ready yet":                                                       {"рұқсатнама әлі дайын емес", "пропуск ещё не готов"},
	"try again in a moment":                                                           {"сәлден кейін қайталаңыз", "повторите немного позже"},
	"this is not a request of a phone":                                                {"бұл телефонның сұрауы емес", "это не запрос телефона"},
	"send what the phone signed, in base64url without padding":                        {"телефон қол қойғанды base64url түрінде, толықтырусыз жіберіңіз", "отправьте то, что подписал телефон, в base64url без дополнения"},
	"send what the phone signed for this, in base64url without padding":               {"телефон осы үшін қол қойғанды base64url түрінде, толықтырусыз жіберіңіз", "отправьте то, что телефон подписал для этого, в base64url без дополнения"},
	"a code for doors cannot ask this":                                                {"есікке арналған кодпен мұны сұрауға болмайды", "кодом для дверей этого спросить нельзя"},
	"only the phone itself can, with the key that is in no code: open the pass on it": {"мұны тек телефонның өзі, ешбір кодта жоқ кілтімен сұрай алады: рұқсатнаманы сонда ашыңыз", "это может только сам телефон, ключом, которого нет ни в одном коде: откройте пропуск на нём"},
	"this request is not from this minute":                                            {"бұл сұрау осы минутта жасалмаған", "этот запрос сделан не в эту минуту"},
	"check the phone's clock":                                                         {"телефонның сағатын тексеріңіз", "проверьте часы телефона"},
	"the phone has not signed this request":                                           {"бұл сұрауға телефон қол қоймаған", "телефон не подписывал этот запрос"},
	"open the pass again":                                                             {"рұқсатнаманы қайта ашыңыз", "откройте пропуск снова"},
	"there is no such pass":                                                           {"мұндай рұқсатнама жоқ", "такого пропуска нет"},
	"it may have been revoked: sign in again, or ask where you registered":            {"күші жойылған болуы мүмкін: қайта кіріңіз немесе тіркелген жеріңізге хабарласыңыз", "возможно, он отозван: войдите снова или обратитесь туда, где вас зарегистрировали"},
	"the phone's key belongs to another pass":                                         {"телефонның кілті басқа рұқсатнамадікі", "ключ телефона принадлежит другому пропуску"},
	"make another key for this one":                                                   {"бұл үшін басқа кілт жасаңыз", "создайте для этого другой ключ"},
	// The rules of entry.
	"the rules have problems":                                                              {"ережелерде қателер бар", "в правилах есть ошибки"},
	"the document cannot be read":                                                          {"құжат оқылмады", "документ не читается"},
	"nothing was changed; correct the document and send it again":                          {"ештеңе өзгерген жоқ; құжатты түзетіп, қайта жіберіңіз", "ничего не изменено; исправьте документ и отправьте ещё раз"},
	"the rules have changed meanwhile":                                                     {"осы уақытта ережелерді басқа адам өзгертті", "за это время правила изменил кто-то другой"},
	"see what has changed, and make your change in the version that is in force now":       {"не өзгергенін қараңыз да, өз өзгерісіңізді қазіргі нұсқаға енгізіңіз", "посмотрите, что изменилось, и внесите своё изменение в действующую версию"},
	"there is no such version of the rules":                                                {"ережелердің мұндай нұсқасы жоқ", "такой версии правил нет"},
	"a number of the query cannot be read":                                                 {"сұраудағы сан оқылмады", "число в запросе не читается"},
	"write a number, such as 3":                                                            {"сан жазыңыз, мысалы 3", "укажите число, например 3"},
	"the body ended early":                                                                 {"деректер толық келмеді", "данные пришли не полностью"},
	"send it again":                                                                        {"қайта жіберіңіз", "отправьте ещё раз"},
	"it is not said which version the document changes":                                    {"құжат қай нұсқаны өзгертетіні айтылмаған", "не указано, какую версию меняет документ"},
	"it is not said why the rules change":                                                  {"ережелер не үшін өзгеретіні айтылмаған", "не указано, почему меняются правила"},
	"write a reason of at most 500 characters, such as the decree's number":                {"себебін жазыңыз, көбі 500 таңба, мысалы қаулының нөмірі", "напишите причину, не более 500 знаков, например номер постановления"},
	"rules need a second person":                                                           {"ережелерге екінші адам керек", "для правил нужен второй человек"},
	"store them without {}; another national administrator publishes them":                 {"{} белгісінсіз сақтаңыз; оларды басқа республикалық әкімші жариялайды", "сохраните без {}; опубликует их другой республиканский администратор"},
	"another national administrator publishes what you have stored":                        {"сіз сақтаған нұсқаны басқа республикалық әкімші жариялайды", "то, что сохранили вы, публикует другой республиканский администратор"},
	"this version was in force already":                                                    {"бұл нұсқа бұрын қолданылған", "эта версия уже действовала"},
	"roll back to it to have it again":                                                     {"қайта енгізу үшін осы нұсқаға қайтыңыз", "чтобы ввести её снова, вернитесь к ней"},
	"GET /v1/rules/versions lists them":                                                    {"тізімі: GET /v1/rules/versions", "список: GET /v1/rules/versions"},
	"send it with ?changes=VERSION&why=TEXT; GET /v1/rules says which version is in force": {"?changes=НҰСҚА&why=СЕБЕП қосып жіберіңіз; қай нұсқа қолданылып тұрғанын GET /v1/rules айтады", "отправьте с ?changes=ВЕРСИЯ&why=ПРИЧИНА; какая версия действует, скажет GET /v1/rules"},
	"a day cannot be read":                                                                 {"күн оқылмады", "дата не читается"},
	"write it as 2021-04-20":                                                               {"2021-04-20 түрінде жазыңыз", "напишите в виде 2021-04-20"},
	"the share of seats cannot be read":                                                    {"орындардың үлесі оқылмады", "доля мест не читается"},
	"write a number from 0 to 1":                                                           {"0-ден 1-ге дейінгі сан жазыңыз", "напишите число от 0 до 1"},
	"names no colour":                                                                      {"түс көрсетілмеген", "не указан цвет"},
	"unknown kind of venue {}":                                                             {"нысанның белгісіз түрі: {}", "неизвестный вид объекта {}"},
	"unknown zone {}, want red, yellow or green":                                           {"белгісіз аймақ: {}; red, yellow не green болуы керек", "неизвестная зона {}; нужна red, yellow или green"},
	"unknown colour {}, want red, yellow, blue or green":                                   {"белгісіз түс: {}; red, yellow, blue не green болуы керек", "неизвестный цвет {}; нужен red, yellow, blue или green"},
	"unknown weekday {}, want monday to sunday in lower case":                              {"аптаның белгісіз күні: {}; monday … sunday болуы керек", "неизвестный день недели {}; нужен monday … sunday"},
	"unknown signal {}":                                                                    {"белгісіз шешім: {}", "неизвестное решение {}"},
	"unknown field {}":                                                                     {"мұндай өріс жоқ: {}", "такого поля нет: {}"},
	"has a value of the wrong kind":                                                        {"мәннің түрі дұрыс емес", "значение не того вида"},
	"time of day {}, want HH:MM":                                                           {"тәулік уақыты {}; СС:ММ түрінде болуы керек", "время суток {}; нужно ЧЧ:ММ"},
	"time {}, want the form {}-{}-{}T{}:{}:{}+{}:{}":                                       {"уақыт {}; мына түрде болуы керек: {}-{}-{}T{}:{}:{}+{}:{}", "время {}; нужно в виде {}-{}-{}T{}:{}:{}+{}:{}"},
	"timezone {}, want an IANA name such as Asia/Almaty":                                   {"уақыт белдеуі {}; Asia/Almaty сияқты IANA атауы керек", "часовой пояс {}; нужно имя IANA, например Asia/Almaty"},
	"quiet {}, full {}, limit {} are not in ascending order":                               {"quiet {}, full {}, limit {} өсу ретімен емес", "quiet {}, full {}, limit {} не по возрастанию"},
	"name {} is empty or used twice":                                                       {"{} атауы бос не екі рет қолданылған", "имя {} пустое или использовано дважды"},
	"decides {}, want admitted, admitted-here, turned-back or ask-staff":                   {"шешімі {}; admitted, admitted-here, turned-back не ask-staff болуы керек", "решение {}; нужно admitted, admitted-here, turned-back или ask-staff"},
	"{} is not between {} and {}":                                                          {"{} — {} мен {} аралығында емес", "{} не от {} до {}"},
	"ends before it begins":                                                                {"басталмай тұрып аяқталады", "кончается раньше, чем начинается"},
	"has no text in one of kk, ru, en":                                                     {"kk, ru, en тілдерінің бірінде мәтін жоқ", "нет текста на одном из языков: kk, ru, en"},
	"a text has the character U+0000":                                                      {"мәтінде U+0000 таңбасы бар", "в тексте есть знак U+0000"},

	// The key.
	"no key": {"кілт жоқ", "нет ключа"},
	"send the header Authorization: Bearer KEY":                   {"Authorization: Bearer КІЛТ тақырыбын жіберіңіз", "отправьте заголовок Authorization: Bearer КЛЮЧ"},
	"copy the whole key again: k1 and the 43 characters after it": {"кілтті қайтадан толық көшіріңіз: k1 және одан кейінгі 43 таңба", "скопируйте ключ целиком: k1 и 43 знака после него"},
	"unknown key": {"белгісіз кілт", "неизвестный ключ"},
	"this needs the administrator's key: the file admin.key in the registry's data directory": {"мұнда әкімшінің кілті керек: тізілімнің деректер бумасындағы admin.key файлы", "здесь нужен ключ администратора: файл admin.key в каталоге данных реестра"},
	"this key is suspended":                              {"бұл кілт тоқтатылған", "этот ключ приостановлен"},
	"ask the registry's administrator":                   {"тізілім әкімшісіне хабарласыңыз", "обратитесь к администратору реестра"},
	"this key was revoked":                               {"бұл кілттің күші жойылған", "этот ключ отозван"},
	"the registry's administrator gives you another one": {"жаңа кілтті тізілім әкімшісі береді", "новый ключ выдаст администратор реестра"},

	"this is the key of a laboratory":                                                                        {"бұл — зертхананың кілті", "это ключ лаборатории"},
	"this is the key of a PCR portal":                                                                        {"бұл — ПТР порталының кілті", "это ключ портала ПЦР"},
	"this is the key of a Covid-19 centre":                                                                   {"бұл — Covid-19 басқару орталығының кілті", "это ключ центра управления COVID-19"},
	"this is the key of a vaccination register":                                                              {"бұл — екпе тізілімінің кілті", "это ключ регистра вакцинации"},
	"this needs the key of a Covid-19 centre":                                                                {"мұнда Covid-19 басқару орталығының кілті керек", "здесь нужен ключ центра управления COVID-19"},
	"this needs the key of a laboratory or a PCR portal":                                                     {"мұнда зертхананың немесе ПТР порталының кілті керек", "здесь нужен ключ лаборатории или портала ПЦР"},
	"this needs the key of a laboratory or a PCR portal or a Covid-19 centre":                                {"мұнда зертхананың, ПТР порталының немесе Covid-19 басқару орталығының кілті керек", "здесь нужен ключ лаборатории, портала ПЦР или центра управления COVID-19"},
	"this needs the key of a source of records; the administrator creates one":                               {"мұнда жазба дереккөзінің кілті керек; оны әкімші береді", "здесь нужен ключ источника записей; его создаёт администратор"},
	"this needs the key of a Covid-19 centre; the administrator creates one":                                 {"мұнда Covid-19 басқару орталығының кілті керек; оны әкімші береді", "здесь нужен ключ центра управления COVID-19; его создаёт администратор"},
	"this needs the key of a laboratory or a PCR portal; the administrator creates one":                      {"мұнда зертхананың немесе ПТР порталының кілті керек; оны әкімші береді", "здесь нужен ключ лаборатории или портала ПЦР; его создаёт администратор"},
	"this needs the key of a laboratory or a PCR portal or a Covid-19 centre; the administrator creates one": {"мұнда зертхананың, ПТР порталының немесе Covid-19 басқару орталығының кілті керек; оны әкімші береді", "здесь нужен ключ лаборатории, портала ПЦР или центра управления COVID-19; его создаёт администратор"},

	// Accounts.
	"this is the key of a national administrator":                            {"бұл — республикалық әкімшінің кілті", "это ключ республиканского администратора"},
	"this is the key of a regional administrator":                            {"бұл — өңірлік әкімшінің кілті", "это ключ регионального администратора"},
	"this is the key of a venue's owner":                                     {"бұл — нысан иесінің кілті", "это ключ владельца объекта"},
	"this is the key of a venue's staff":                                     {"бұл — нысан қызметкерінің кілті", "это ключ сотрудника объекта"},
	"this needs the key of an account; a national administrator creates one": {"мұнда тіркелгі кілті керек; оны республикалық әкімші береді", "здесь нужен ключ учётной записи; его создаёт республиканский администратор"},
	"ask a national administrator":                                           {"республикалық әкімшіге хабарласыңыз", "обратитесь к республиканскому администратору"},
	"this key has expired":                                                   {"бұл кілттің мерзімі өтті", "срок этого ключа истёк"},
	"ask for another one where this one came from":                           {"жаңа кілтті осыны берген адамнан сұраңыз", "попросите новый там, где дали этот"},
	"unknown role": {"белгісіз рөл", "неизвестная роль"},
	"write national, regional, owner or staff": {"national, regional, owner немесе staff деп жазыңыз", "напишите national, regional, owner или staff"},
	"the account's rights are not clear":       {"тіркелгінің құқықтары анық емес", "права учётной записи не ясны"},
	"a regional account has a region, an owner a BIN and maybe a region, staff a venue, a national account nothing of these": {
		"өңірлік әкімшіге өңір, иесіне БСН (қаласаңыз, өңір де), қызметкерге нысан керек, республикалық әкімшіге ештеңе керек емес",
		"региональному администратору нужен регион, владельцу — БИН (можно и регион), сотруднику — объект, республиканскому администратору — ничего из этого"},
	"the hours cannot be used":            {"сағат саны жарамсыз", "число часов не подходит"},
	"write 1 to 12 hours, for staff only": {"1-ден 12 сағатқа дейін жазыңыз, тек қызметкерге", "напишите от 1 до 12 часов, только для сотрудника"},
	"a regional administrator manages owners and staff of the own region's venues only": {
		"өңірлік әкімші тек өз өңіріндегі нысандардың иелері мен қызметкерлерін басқарады",
		"региональный администратор управляет владельцами и сотрудниками объектов только своего региона"},
	"this organisation has a venue of that name":        {"бұл ұйымның осындай атауы бар нысаны бар", "у этой организации уже есть объект с таким названием"},
	"choose another name, or change that venue":         {"басқа атау таңдаңыз немесе сол нысанды өзгертіңіз", "выберите другое название или измените тот объект"},
	"no venue of your region has this BIN":              {"өңіріңізде мұндай БСН-і бар нысан жоқ", "в вашем регионе нет объекта с таким БИН"},
	"enter the venue first":                             {"алдымен нысанды енгізіңіз", "сначала внесите объект"},
	"an owner manages staff of the own venues only":     {"иесі тек өз нысандарының қызметкерлерін басқарады", "владелец управляет сотрудниками только своих объектов"},
	"there is no such account":                          {"мұндай тіркелгі жоқ", "такой учётной записи нет"},
	"there is no such venue":                            {"мұндай нысан жоқ", "такого объекта нет"},
	"there is no region of this code":                   {"мұндай коды бар өңір жоқ", "региона с таким кодом нет"},
	"GET /v1/accounts lists them":                       {"тізімі: GET /v1/accounts", "список: GET /v1/accounts"},
	"GET /v1/venues lists them":                         {"тізімі: GET /v1/venues", "список: GET /v1/venues"},
	"GET /v1/regions lists them":                        {"тізімі: GET /v1/regions", "список: GET /v1/regions"},
	"the BIN is not 12 digits with a valid check digit": {"БСН 12 сан емес немесе бақылау саны сәйкес емес", "БИН: не 12 цифр или не сходится контрольная цифра"},

	// The overview.
	"the address names no venue or page":                        {"мекенжайда нысан не бет көрсетілмеген", "в адресе нет объекта или страницы"},
	"write ?region=KZ-75&venue=ID&q=TEXT&wrong=KIND&page=0":     {"былай жазыңыз: ?region=KZ-75&venue=ID&q=TEXT&wrong=KIND&page=0", "напишите ?region=KZ-75&venue=ID&q=TEXT&wrong=KIND&page=0"},
	"the text to look for is too long":                          {"іздейтін мәтін тым ұзын", "слишком длинный текст для поиска"},
	"write at most 100 bytes":                                   {"ең көбі 100 байт жазыңыз", "напишите не больше 100 байт"},
	"unknown kind of trouble":                                   {"ақаудың белгісіз түрі", "неизвестный вид неисправности"},
	"GET /v1/overview names those that there are; or write any": {"бар түрлері GET /v1/overview жауабында; не any деп жазыңыз", "виды есть в ответе GET /v1/overview; или напишите any"},
	"this is another region":                                    {"бұл — басқа өңір", "это другой регион"},
	"the address names no door":                                 {"мекенжайда есік көрсетілмеген", "в адресе нет двери"},
	"write /v1/doors/ID/keys":                                   {"былай жазыңыз: /v1/doors/ID/keys", "напишите /v1/doors/ID/keys"},
	"this door is not enrolled yet":                             {"бұл есік әлі тіркелмеген", "эта дверь ещё не подключена"},
	"enrol it first: only then has it a key":                    {"алдымен оны тіркеңіз: кілт тек сонда пайда болады", "сначала подключите её: ключ появится только тогда"},
	"the door's own key cannot be read":                         {"есіктің өз кілті оқылмайды", "собственный ключ двери не читается"},
	"send its X25519 public key in seal_key: k1 and 43 characters of base64url": {"оның X25519 ашық кілтін seal_key өрісінде жіберіңіз: k1 және base64url-дың 43 таңбасы",
		"пришлите её открытый ключ X25519 в поле seal_key: k1 и 43 знака base64url"},
	"write /v1/doors/ID":       {"былай жазыңыз: /v1/doors/ID", "напишите /v1/doors/ID"},
	"there is no such door":    {"мұндай есік жоқ", "такой двери нет"},
	"GET /v1/doors lists them": {"тізімі: GET /v1/doors", "список: GET /v1/doors"},

	// Any request.
	"use GET or PUT":                            {"GET немесе PUT пайдаланыңыз", "используйте GET или PUT"},
	"use GET or POST":                           {"GET немесе POST пайдаланыңыз", "используйте GET или POST"},
	"the registry could not do this":            {"тізілім мұны орындай алмады", "реестр не смог это выполнить"},
	"try again; its log says why":               {"қайталап көріңіз; себебі тізілім журналында", "попробуйте ещё раз; причина в журнале реестра"},
	"not found":                                 {"табылмады", "не найдено"},
	"wrong method":                              {"сұрау түрі қате", "неверный метод запроса"},
	"the body is too large":                     {"жіберілген дерек тым үлкен", "слишком большой объём данных"},
	"send at most {} bytes":                     {"ең көбі {} байт жіберіңіз", "отправьте не больше {} байт"},
	"the body does not fit this path":           {"сұраудың мазмұны қате", "неверное содержимое запроса"},
	"there is no field {}":                      {"{} деген өріс жоқ", "нет поля {}"},
	"send one JSON object":                      {"бір JSON нысанын жіберіңіз", "отправьте один объект JSON"},
	"times are written as 2021-04-20T12:00:00Z": {"уақыт былай жазылады: 2021-04-20T12:00:00Z", "время пишется так: 2021-04-20T12:00:00Z"},

	// Fields.
	"iin":         {"ЖСН", "ИИН"},
	"sample":      {"сынама нөмірі", "номер пробы"},
	"kind":        {"түрі", "вид"},
	"result":      {"нәтиже", "результат"},
	"at":          {"уақыты", "время"},
	"taken":       {"сынама алынған уақыт", "время взятия пробы"},
	"since":       {"байланыс уақыты", "время контакта"},
	"laboratory":  {"зертхана", "лаборатория"},
	"index_case":  {"жұқтыру көзі", "источник заражения"},
	"date":        {"күні", "дата"},
	"index":       {"жұқтыру көзі", "источник"},
	"number":      {"нөмірі", "номер"},
	"person":      {"аты-жөні", "ФИО"},
	"line":        {"жол", "строка"},
	"column":      {"баған", "столбец"},
	"reason":      {"себебі", "причина"},
	"is missing":  {"толтырылмаған", "не заполнено"},
	"is unknown":  {"белгісіз", "неизвестное значение"},
	"is too long": {"тым ұзын", "слишком длинное значение"},
	"is not 12 digits with a valid check digit":                   {"12 сан емес немесе бақылау саны сәйкес емес", "не 12 цифр или не сходится контрольная цифра"},
	"the IIN is not 12 digits with a valid check digit":           {"ЖСН 12 сан емес немесе бақылау саны сәйкес емес", "ИИН: не 12 цифр или не сходится контрольная цифра"},
	"check the number for a typing error":                         {"нөмірдегі қатені тексеріңіз", "проверьте, нет ли в номере опечатки"},
	"check the number":                                            {"нөмірді тексеріңіз", "проверьте номер"},
	"is in the future":                                            {"болашақта", "в будущем"},
	"check the date, the time zone and this machine's clock":      {"күнді, уақыт белдеуін және осы компьютердің сағатын тексеріңіз", "проверьте дату, часовой пояс и часы этого компьютера"},
	"is more than {} days ago":                                    {"{} күннен бұрын", "больше {} дней назад"},
	"check the date: a record that old changes no status":         {"күнді тексеріңіз: мұндай ескі жазба мәртебені өзгертпейді", "проверьте дату: такая старая запись не меняет статус"},
	"does not belong to this record":                              {"бұл жазбада болмайды", "не относится к этой записи"},
	"leave it out":                                                {"оны алып тастаңыз", "уберите это поле"},
	"the name cannot be used":                                     {"бұл атау жарамсыз", "это название не подходит"},
	"the name is missing or too long":                             {"атауы жазылмаған немесе тым ұзын", "название не указано или слишком длинное"},
	"the person cannot be used":                                   {"аты-жөні жарамсыз", "ФИО не подходит"},
	"the person is missing or too long":                           {"аты-жөні жазылмаған немесе тым ұзын", "ФИО не указаны или слишком длинные"},
	"cannot be used":                                              {"жарамсыз", "не подходит"},
	"write {} to {} bytes":                                        {"{}-ден {} байтқа дейін жазыңыз", "напишите от {} до {} байт"},
	"write 1 to 64 bytes":                                         {"1-ден 64 байтқа дейін жазыңыз", "напишите от 1 до 64 байт"},
	"write at most 64 bytes":                                      {"ең көбі 64 байт жазыңыз", "напишите не больше 64 байт"},
	"type it again: copied text may have invisible characters":    {"қайтадан теріңіз: көшірілген мәтінде көрінбейтін таңбалар болуы мүмкін", "наберите заново: в скопированном тексте бывают невидимые знаки"},
	"too many records":                                            {"жазба тым көп", "слишком много записей"},
	"send at most {} at once":                                     {"бір жолы ең көбі {} жіберіңіз", "отправьте за раз не больше {}"},
	"there is no source of this name":                             {"мұндай атаулы дереккөз жоқ", "источника с таким названием нет"},
	"write it as the overview does":                               {"шолудағыдай жазыңыз", "напишите, как в обзоре"},
	"this name is taken":                                          {"бұл атау бос емес", "это название занято"},
	"choose another one":                                          {"басқасын таңдаңыз", "выберите другое"},
	"unknown kind of source":                                      {"дереккөздің түрі белгісіз", "неизвестный вид источника"},
	"the limit cannot be used":                                    {"шек жарамсыз", "предел не подходит"},
	"write 0 to 1000000 records an hour; with 0 all of them wait": {"сағатына 0-ден 1000000-ға дейін жазыңыз; 0 болса, барлығы күтеді", "напишите от 0 до 1000000 записей в час; при 0 ждут все"},

	// Records.
	"too many records of this source wait":                                                     {"бұл дереккөздің тым көп жазбасы күтіп тұр", "слишком много записей этого источника ожидают решения"},
	"send this one again when the registry's administrator has decided on them":                {"тізілім әкімшісі олар туралы шешкен соң, мұны қайта жіберіңіз", "отправьте эту запись снова, когда администратор реестра примет решение по ним"},
	"this sample was reported before with different content":                                   {"бұл сынама бұрын басқа дерекпен жіберілген", "эта проба уже отправлена с другими данными"},
	"correct that sample's record if it is wrong; nothing was changed":                         {"егер ол жазба қате болса, тізімнен түзетіңіз; ештеңе өзгерген жоқ", "если та запись неверна, исправьте её в списке; ничего не изменено"},
	"the same record was withdrawn or discarded before":                                        {"дәл осы жазба бұрын алып тасталған", "точно такая запись уже была отозвана или удалена"},
	`if it is right after all, send it with {}: true`:                                          {"егер ол бәрібір дұрыс болса, оны {}: true деп жіберіңіз", "если она всё же верна, отправьте её с {}: true"},
	"the registry's administrator has decided that this record does not stand":                 {"тізілім әкімшісі бұл жазбаны жарамсыз деп шешті", "администратор реестра решил, что эта запись неверна"},
	"ask the administrator":                                                                    {"әкімшіге хабарласыңыз", "обратитесь к администратору"},
	"stored, and waiting for the registry's administrator":                                     {"сақталды, тізілім әкімшісінің шешімін күтіп тұр", "сохранено и ждёт решения администратора реестра"},
	"this source has no such record":                                                           {"бұл дереккөзде мұндай жазба жоқ", "у этого источника нет такой записи"},
	"write the sample number as it was entered":                                                {"сынама нөмірін енгізілгендей жазыңыз", "напишите номер пробы так, как он был введён"},
	"this record was corrected or withdrawn meanwhile":                                         {"бұл жазба осы арада түзетілген немесе алып тасталған", "эту запись тем временем исправили или отозвали"},
	"look at the list again":                                                                   {"тізімді қайта қараңыз", "посмотрите список ещё раз"},
	"the correction changes nothing":                                                           {"түзету ештеңені өзгертпейді", "исправление ничего не меняет"},
	"say what is right instead":                                                                {"дұрысын көрсетіңіз", "укажите, как правильно"},
	"this source has corrected or withdrawn too many positive results and contacts in an hour": {"бұл дереккөз бір сағатта тым көп оң нәтиже мен байланысты түзетті не алып тастады", "этот источник за час исправил или отозвал слишком много положительных результатов и контактов"},
	"ask the registry's administrator, or go on in an hour":                                    {"тізілім әкімшісіне хабарласыңыз немесе бір сағаттан кейін жалғастырыңыз", "обратитесь к администратору реестра или продолжите через час"},
	"another record has this sample number":                                                    {"бұл сынама нөмірі басқа жазбада бар", "этот номер пробы уже есть у другой записи"},
	"correct or withdraw that one":                                                             {"сол жазбаны түзетіңіз немесе алып тастаңыз", "исправьте или отзовите ту запись"},
	"the request does not name one record":                                                     {"сұрауда бір ғана жазба көрсетілмеген", "в запросе не указана одна запись"},
	`write its id as {}, or a sample number of this source as {}`:                              {"жазба нөмірін {} немесе сынама нөмірін {} өрісінде көрсетіңіз", "укажите номер записи в {} или номер пробы в {}"},
	"the reason is missing or too long":                                                        {"себебі жазылмаған немесе тым ұзын", "причина не указана или слишком длинная"},
	"write 1 to 200 bytes":                                                                     {"1-ден 200 байтқа дейін жазыңыз", "напишите от 1 до 200 байт"},
	"the reason cannot be used":                                                                {"себебі жарамсыз", "причина не подходит"},
	"since is missing":                                                                         {"уақыты көрсетілмеген", "не указано, с какого времени"},
	"since is not a time":                                                                      {"уақыт дұрыс жазылмаған", "время написано неверно"},
	"last is missing":                                                                          {"соңғы жазба көрсетілмеген", "не указана последняя запись"},
	`ask with {}: true first, and send the {} of that answer`:                                  {"алдымен {}: true деп сұрап, жауаптағы {} мәнін жіберіңіз", "сначала запросите с {}: true и отправьте {} из ответа"},
	"this IIN is not registered here":                                                          {"бұл ЖСН мұнда тіркелмеген", "этот ИИН здесь не зарегистрирован"},

	// Files.
	"the file cannot be used":                                      {"файлды пайдалану мүмкін емес", "файл не подходит"},
	"the first line names the columns; nothing was entered":        {"бірінші жолда бағандардың атауы болуы керек; ештеңе енгізілген жоқ", "в первой строке должны быть названия столбцов; ничего не введено"},
	"the file did not arrive whole":                                {"файл толық жетпеді", "файл дошёл не полностью"},
	"send it again; nothing was entered":                           {"қайта жіберіңіз; ештеңе енгізілген жоқ", "отправьте его ещё раз; ничего не введено"},
	"another file of this source is being read":                    {"бұл дереккөздің басқа файлы оқылып жатыр", "сейчас читается другой файл этого источника"},
	"wait until it is finished, and send this one again":           {"ол аяқталғанша күтіп, мұны қайта жіберіңіз", "дождитесь конца и отправьте этот файл снова"},
	"the file is empty: its first line has to name the columns":    {"файл бос: бірінші жолда бағандардың атауы болуы керек", "файл пуст: в первой строке должны быть названия столбцов"},
	"there is no column {}: delete it or rename it":                {"{} деген баған болмайды: оны өшіріңіз немесе атауын өзгертіңіз", "столбца {} быть не должно: удалите или переименуйте его"},
	"the column {} is there twice":                                 {"{} бағаны екі рет бар", "столбец {} встречается дважды"},
	"the column {} is missing":                                     {"{} бағаны жоқ", "нет столбца {}"},
	"not UTF-8, probably windows-1251: save the file as CSV UTF-8": {"UTF-8 емес, windows-1251 болуы мүмкін: файлды CSV UTF-8 түрінде сақтаңыз", "не UTF-8, вероятно windows-1251: сохраните файл как CSV UTF-8"},
	"UTF-16: save the file as CSV UTF-8":                           {"UTF-16: файлды CSV UTF-8 түрінде сақтаңыз", "UTF-16: сохраните файл как CSV UTF-8"},
	"longer than 4096 bytes":                                       {"4096 байттан ұзын", "длиннее 4096 байт"},
	"more than 100000 rows: split the file":                        {"100000 жолдан көп: файлды бөліңіз", "больше 100000 строк: разделите файл"},
	"the file is larger than 64 MB: split it":                      {"файл 64 МБ-тан үлкен: оны бөліңіз", "файл больше 64 МБ: разделите его"},
	"a quotation mark is in a wrong place or is not closed":        {"тырнақша орнында емес немесе жабылмаған", "кавычка стоит не на месте или не закрыта"},
	"more or fewer fields than columns":                            {"өрістер саны бағандар санына сәйкес емес", "число полей не равно числу столбцов"},
	"empty":                                                        {"бос", "пусто"},
	"an IIN has 12 digits":                                         {"ЖСН 12 саннан тұрады", "в ИИН 12 цифр"},
	"the zeros at the start of the IIN are missing: format the column as text before you save": {"ЖСН басындағы нөлдер жоғалған: сақтамас бұрын бағанды мәтін пішіміне келтіріңіз", "потеряны нули в начале ИИН: перед сохранением сделайте формат столбца текстовым"},
	"the spreadsheet has rounded the IIN: format the column as text and enter it again":        {"кесте ЖСН-ді дөңгелектеп жіберген: бағанды мәтін пішіміне келтіріп, қайта енгізіңіз", "таблица округлила ИИН: сделайте формат столбца текстовым и введите его снова"},
	"write positive, negative or inconclusive":                                                 {"оң, теріс немесе күмәнді деп жазыңыз", "напишите положительный, отрицательный или сомнительный"},
	"write contact or recovered":                                                               {"байланыс немесе жазылды деп жазыңыз", "напишите контакт или выздоровел"},
	"write the time like 26.11.2026 09:30 or 2026-11-26T09:30:00+05:00":                        {"уақытты былай жазыңыз: 26.11.2026 09:30 немесе 2026-11-26T09:30:00+05:00", "напишите время так: 26.11.2026 09:30 или 2026-11-26T09:30:00+05:00"},
	"longer than 64 bytes, or with invisible characters":                                       {"64 байттан ұзын немесе көрінбейтін таңбалары бар", "длиннее 64 байт или с невидимыми знаками"},

	// Files of venues.
	"nothing was stored": {"ештеңе сақталған жоқ", "ничего не сохранено"},
	"name":               {"атауы", "название"}, "region": {"өңір", "регион"}, "zone": {"аймақ", "зона"},
	"address": {"мекенжай", "адрес"}, "capacity": {"сыйымдылығы", "вместимость"}, "phone": {"телефон", "телефон"}, "bin": {"БСН", "БИН"},
	"entrances": {"кіреберістер", "входы"}, "exits": {"шығу есіктері", "выходы"},
	"a BIN has 12 digits": {"БСН 12 саннан тұрады", "в БИН 12 цифр"},
	"the zeros at the start of the BIN are missing: format the column as text before you save": {"БСН басындағы нөлдер жоғалған: сақтамас бұрын бағанды мәтін пішіміне келтіріңіз", "потеряны нули в начале БИН: перед сохранением сделайте формат столбца текстовым"},
	"the spreadsheet has rounded the BIN: format the column as text and enter it again":        {"кесте БСН-ді дөңгелектеп жіберген: бағанды мәтін пішіміне келтіріп, қайта енгізіңіз", "таблица округлила БИН: сделайте формат столбца текстовым и введите его снова"},
	wrongDigit:              {"бақылау цифры сәйкес емес: бір цифр қате терілген", "не сходится контрольная цифра: одна цифра набрана неверно"},
	wrongRegion:             {"белгісіз: атауын толық немесе KZ-75 сияқты кодын жазыңыз", "неизвестен: напишите название полностью или код вроде KZ-75"},
	wrongKind:               {"белгісіз: беттегі тізімдегідей жазыңыз", "неизвестен: напишите, как в списке на странице"},
	wrongZone:               {"қызыл, сары немесе жасыл деп жазыңыз", "напишите красная, жёлтая или зелёная"},
	"write {} to {} people": {"{}-ден {} адамға дейін жазыңыз", "напишите от {} до {} человек"},
	wrongPhone:              {"былай жазыңыз: +77010000000", "напишите так: +77010000000"},
	wrongText:               {"тым ұзын немесе көрінбейтін таңбалары бар", "слишком длинно или с невидимыми знаками"},
	wrongEntrances:          {"санын жазыңыз, ең көбі 20, немесе атауларын | арқылы бөліп жазыңыз", "напишите, сколько их, не больше 20, или их названия через |"},
	"this venue is in the file before, in line {}": {"бұл нысан файлда бұрын бар, жол: {}", "этот объект уже есть в файле, строка {}"},
	"more than {} venues: split the file":          {"{} нысаннан көп: файлды бөліңіз", "больше {} объектов: разделите файл"},
	notYours:                                       {"бұл нысан сіздің өңіріңізде емес", "этот объект не в вашем регионе"},

	// Doors, venues and those who are told about them.
	"this registry does not wait for that":                                    {"тізілім мұны күтіп тұрған жоқ", "реестр этого не ждёт"},
	"it was not restored from a backup, or somebody has confirmed it already": {"ол көшірмеден қалпына келтірілмеген немесе мұны басқа адам растап қойған", "он не восстановлен из копии, или это уже подтвердили"},
	"no door of this name waits for approval":                                 {"бұл атаумен рұқсат күтіп тұрған есік жоқ", "дверь с таким названием не ждёт разрешения"},
	"write it as the overview does; the door has to ask first":                {"шолудағыдай жазыңыз; алдымен есіктің өзі сұрауы керек", "напишите, как в обзоре; сначала дверь должна спросить сама"},
	"the decision does not name each record once":                             {"шешімде әр жазба бір рет аталмаған", "в решении не каждая запись названа один раз"},
	"write the ids of 1 to 50 records, each in \"stand\" or in \"end\"":       {"1-ден 50-ге дейін жазбаның нөмірін \"stand\" немесе \"end\" ішіне жазыңыз", "укажите номера от 1 до 50 записей в \"stand\" или в \"end\""},
	"there is no such record":                                                 {"мұндай жазба жоқ", "такой записи нет"},
	"look at the cases again":                                                 {"тізімді қайта қараңыз", "посмотрите список ещё раз"},
	"this session checks too often":                                           {"тексеру тым жиі жасалып жатыр", "проверки идут слишком часто"},
	"wait a few seconds":                                                      {"бірнеше секунд күтіңіз", "подождите несколько секунд"},
	"this registry decides about no passes":                                   {"бұл тізілім рұқсатнаманы тексермейді", "этот реестр не проверяет пропуска"},
	"this door asks about codes too often":                                    {"есік кодтар туралы тым жиі сұрайды", "дверь слишком часто спрашивает о кодах"},
	"wait a moment":                                                           {"сәл күтіңіз", "подождите немного"},
	"this door has asked about too many paper codes today":                    {"есік бүгін қағаз кодтар туралы тым көп сұрады", "дверь сегодня спросила о слишком многих бумажных кодах"},
	"let it follow the list: a door with a list of this hour need not ask":    {"есік тізімді алып тұрғанын тексеріңіз: тізімі жаңа есік сұрамайды", "проверьте, получает ли дверь список: со свежим списком спрашивать не нужно"},
	"this is not a code that is good now":                                     {"бұл код қазір жарамсыз", "этот код сейчас не действует"},
	"hold up the newest code of the phone":                                    {"телефондағы ең жаңа кодты көрсетіңіз", "покажите самый новый код на телефоне"},
	"no list has held this pass":                                              {"бұл рұқсатнама ешбір тізімде болмаған", "этого пропуска не было ни в одном списке"},
	"send the person to the staff":                                            {"адамды қызметкерге жіберіңіз", "направьте человека к сотруднику"},
	"hold them to a door":                                                     {"рұқсатнаманы есікке көрсетіңіз", "поднесите пропуск к двери"},
	"a door has another kind or zone than its venue":                          {"есіктің түрі немесе аймағы нысанынан өзгеше", "вид или зона двери не такие, как у объекта"},
	"leave both out, or change the venue":                                     {"екеуін де жазбаңыз немесе нысанды өзгертіңіз", "не указывайте их или измените объект"},
	"there are no doors, or too many":                                         {"есік жоқ немесе тым көп", "дверей нет или слишком много"},
	"name 1 to 500 doors at once":                                             {"бірден 1-ден 500-ге дейін есік атаңыз", "назовите от 1 до 500 дверей сразу"},
	"two doors have the same name":                                            {"екі есіктің атауы бірдей", "у двух дверей одно название"},
	"give each door a name of its own":                                        {"әр есікке өз атауын беріңіз", "дайте каждой двери своё название"},
	"the way is not known":                                                    {"бағыты белгісіз", "направление неизвестно"},
	"write entry or exit":                                                     {"entry немесе exit деп жазыңыз", "напишите entry или exit"},
	"write a kind of venue that the doors know":                               {"есіктер білетін нысан түрін жазыңыз", "напишите вид объекта, который знают двери"},
	"the zone is not known":                                                   {"аймақ белгісіз", "зона неизвестна"},
	"the rollout ring is not known":                                           {"жаңарту тобы белгісіз", "группа обновления неизвестна"},
	"there is no door of this name":                                           {"мұндай атаулы есік жоқ", "двери с таким названием нет"},
	"the codes would be valid for too long":                                   {"кодтар тым ұзақ жарамды болар еді", "коды действовали бы слишком долго"},
	"write 1 to 90 days, or leave days out for 14":                            {"1-ден 90-ға дейін күн жазыңыз; жазбасаңыз, 14 күн", "напишите от 1 до 90 дней; без числа будет 14"},
	"check the Wi-Fi's name, passphrase and country":                          {"Wi-Fi атауын, құпиясөзін және елін тексеріңіз", "проверьте имя, пароль и страну сети Wi-Fi"},
	"the region is not a code like KZ-75":                                     {"өңір коды KZ-75 сияқты емес", "код региона не похож на KZ-75"},
	"another door has the name that a door of this venue needs":               {"бұл нысанның есігіне керек атау басқа есікте бар", "нужное двери этого объекта название занято другой дверью"},
	"give the entrance or the venue another name":                             {"кіреберістің не нысанның атауын өзгертіңіз", "назовите вход или объект иначе"},
	"this is not your region":                                                 {"бұл сіздің өңіріңіз емес", "это не ваш регион"},
	"name your own region":                                                    {"өз өңіріңізді көрсетіңіз", "укажите свой регион"},
	"\"venue\" is not the id of a venue":                                      {"\"venue\" нысан нөмірі емес", "\"venue\" не номер объекта"},
	"write ?venue=ID":                                                         {"?venue=НӨМІР деп жазыңыз", "напишите ?venue=НОМЕР"},
	"the correction cannot be used":                                           {"түзету жарамайды", "исправление не подходит"},
	"write \"add\" (a number, not 0), \"inside\" (0 or more) or \"empties\" (minutes after midnight, -1 for never)": {"\"add\" (0-ден өзге сан), \"inside\" (0 не одан көп) немесе \"empties\" (түн ортасынан бергі минут, ешқашан болмаса -1) жазыңыз", "укажите \"add\" (число, не 0), \"inside\" (0 или больше) или \"empties\" (минуты после полуночи, -1: никогда)"},
	"no regions, or too many":                                             {"өңір жоқ немесе тым көп", "регионов нет или слишком много"},
	"the code of a region cannot be used":                                 {"өңір коды жарамайды", "код региона не подходит"},
	"write it as ISO 3166-2 does, like KZ-75":                             {"ISO 3166-2 бойынша жазыңыз, мысалы KZ-75", "напишите по ISO 3166-2, например KZ-75"},
	"this region has venues, people or sources":                           {"бұл өңірде нысан, адам немесе дереккөз бар", "в этом регионе есть объекты, люди или источники"},
	"give them another region first":                                      {"алдымен оларға басқа өңір беріңіз", "сначала переведите их в другой регион"},
	"no venues, or too many":                                              {"нысан жоқ немесе тым көп", "объектов нет или слишком много"},
	"the name of the venue is too long":                                   {"нысан атауы тым ұзын", "название объекта слишком длинное"},
	"the phone number cannot be used":                                     {"телефон нөмірі жарамайды", "номер телефона не подходит"},
	"the address cannot be used":                                          {"мекенжай жарамайды", "адрес не подходит"},
	"the capacity cannot be used":                                         {"сыйымдылық жарамайды", "вместимость не подходит"},
	"the names of entrances or exits cannot be used":                      {"кіреберіс не шығу атаулары жарамайды", "названия входов или выходов не подходят"},
	"an exit is called like an entrance":                                  {"шығу есігі мен кіреберістің атауы бірдей", "выход назван так же, как вход"},
	"give them different names":                                           {"оларды әртүрлі атаңыз", "назовите их по-разному"},
	"\"after\" is not the id of a venue":                                  {"\"after\" нысан нөмірі емес", "\"after\" не номер объекта"},
	"write ?region=KZ-75&after=ID, with the id that was listed last":      {"?region=KZ-75&after=НӨМІР деп жазыңыз, соңғы көрсетілген нөмірмен", "напишите ?region=KZ-75&after=НОМЕР с последним показанным номером"},
	"there are no kinds of alerts, or unknown ones":                       {"хабар түрі таңдалмаған немесе белгісіз", "виды оповещений не выбраны или неизвестны"},
	"the language is not known":                                           {"тіл белгісіз", "язык неизвестен"},
	"write kk, ru or en":                                                  {"kk, ru немесе en деп жазыңыз", "напишите kk, ru или en"},
	"the registry itself is not in your region":                           {"тізілімнің өзі сіздің өңіріңізде емес", "сам реестр не в вашем регионе"},
	"leave this kind out":                                                 {"бұл түрін алып тастаңыз", "уберите этот вид"},
	"a recipient has either a mail address or a webhook":                  {"алушыда не пошта, не вебхук болады", "у получателя есть либо почта, либо вебхук"},
	"give one of them":                                                    {"біреуін жазыңыз", "укажите что-то одно"},
	"the mail address cannot be used":                                     {"пошта мекенжайы жарамайды", "адрес почты не подходит"},
	"write it like dispatch@example.kz":                                   {"былай жазыңыз: dispatch@example.kz", "напишите так: dispatch@example.kz"},
	"the webhook's address cannot be used":                                {"вебхук мекенжайы жарамайды", "адрес вебхука не подходит"},
	"write it like https://example.kz/ashyq":                              {"былай жазыңыз: https://example.kz/ashyq", "напишите так: https://example.kz/ashyq"},
	"this registry has no mail server":                                    {"бұл тізілімде пошта сервері жоқ", "у этого реестра нет почтового сервера"},
	"serve --smtp names one; a webhook works without":                     {"оны serve --smtp көрсетеді; вебхук онсыз да жұмыс істейді", "его указывают в serve --smtp; вебхук работает и без него"},
	"there is no such recipient":                                          {"мұндай алушы жоқ", "такого получателя нет"},
	"the message could not be sent":                                       {"хабар жіберілмеді", "сообщение не отправлено"},
	"the page of another site has asked for this":                         {"мұны басқа сайттың беті сұрады", "это запросила страница другого сайта"},
	"open the registry's own page":                                        {"тізілімнің өз бетін ашыңыз", "откройте собственную страницу реестра"},
	"many phones have got this pass today":                                {"бүгін бұл рұқсатнаманы көп телефон алды", "сегодня этот пропуск получили многие телефоны"},
	"try again tomorrow, or ask where you registered for a one-time code": {"ертең қайталаңыз немесе бір реттік кодты тіркелген жеріңізден сұраңыз", "попробуйте завтра или попросите одноразовый код там, где регистрировались"},
	"the limit is missing":                                                {"шек жазылмаған", "не указан предел"},
	"since is in the future":                                              {"бастапқы уақыт әлі келген жоқ", "указанное время ещё не наступило"},
	"write when the key was stolen, or earlier":                           {"кілт ұрланған уақытты немесе одан ертерек уақытты жазыңыз", "укажите, когда украли ключ, или более раннее время"},
	"this door says hello too often":                                      {"бұл есік тым жиі хабарласады", "эта дверь слишком часто выходит на связь"},
	"once in five minutes is enough":                                      {"бес минутта бір рет жеткілікті", "достаточно одного раза в пять минут"},
	"too many tests":                                                      {"тым көп сынақ жіберілді", "слишком много проверок"},
	"there are many recipients already":                                   {"алушылар онсыз да көп", "получателей уже много"},
	"remove some of them first":                                           {"алдымен кейбірін алып тастаңыз", "сначала удалите некоторых"},
	"wait a minute":                                                       {"бір минут күтіңіз", "подождите минуту"},
	"a national administrator makes no other one":                         {"республикалық әкімші басқа республикалық әкімші тағайындамайды", "республиканский администратор не создаёт другого республиканского"},
	"ask the holder of admin.key":                                         {"admin.key кілтін ұстаушыдан сұраңыз", "попросите владельца ключа admin.key"},
	"no such bundle":                                                      {"мұндай жаңарту файлы жоқ", "такого файла обновления нет"},
	"the version is missing or has other characters":                      {"нұсқа жазылмаған немесе басқа таңбалары бар", "версия не указана или содержит другие знаки"},
	"write it as the bundle has it: letters, digits and . + ~ : _ -":      {"файлдағыдай жазыңыз: әріптер, сандар және . + ~ : _ -", "напишите, как в файле: буквы, цифры и . + ~ : _ -"},
}
