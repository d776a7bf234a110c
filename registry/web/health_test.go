package web_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// Below each door the administrator sees how its board is, in each language, and what is in trouble.
func TestHealthOfDoors(t *testing.T) {
	t.Parallel()
	url, options := realRegistry(t)
	now := time.Now()
	doors := []store.Door{{Name: "North gate", Venue: "shop", Zone: "green", Ring: "all"},
		{Name: "South gate", Venue: "shop", Zone: "green", Ring: "all"},
		{Name: "West gate", Venue: "shop", Zone: "green", Ring: "all"}}
	tokens := []store.Secret{store.SecretOf("north"), store.SecretOf("south"), store.SecretOf("west")}
	if err := options.Store.PutTokens(t.Context(), doors, tokens, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for i, h := range []api.Health{
		{Board: "Raspberry Pi 4 Model B Rev 1.4", Celsius: new(56), Undervoltage: api.Never, WiFi: new(-61),
			Free: 180e6, Size: 240e6,
			Written: 1234e6, Up: 3 * 86400, Restart: api.Updated},
		{Board: "Raspberry Pi 3 Model B Rev 1.2", Celsius: new(84), Undervoltage: api.Past, Throttled: api.Now,
			Free: 9e6, Size: 240e6,
			LifeUsed: new(90), Restart: api.PowerCut, Faults: []api.Fault{api.NoCamera, api.CaseOpen},
			Mirrors: []api.MirrorFault{{Host: "m.kz", Kind: "lags"}}},
	} {
		var id int64
		give := func(d store.Door) (store.Certificate, error) {
			id = d.ID
			return store.Certificate{Door: d.ID, Print: tokens[i], Until: now.Add(time.Hour)}, nil
		}
		if err := options.Store.Enrol(t.Context(), tokens[i], store.Enrollee{Device: "00112233aabbccdd", Key: tokens[i], SealKey: make([]byte, 32)}, now, give); err != nil {
			t.Fatal(err)
		}
		if err := options.Store.PutHealth(t.Context(), id, h, now); err != nil {
			t.Fatal(err)
		}
	}
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/doors#key="+adminKey))
	const lines = `[...document.querySelectorAll("#doors .health")].map((line) => line.textContent)`
	until(t, ctx, lines+`.length === 2`)
	for language, want := range map[string][2]string{
		"en": {"Raspberry Pi 4 Model B Rev 1.4 · 56 °C · Wi-Fi -61 dBm · 180 of 240 MB free · 1\u00a0234 MB written to " +
			"the card in 3 d · restarted for an update",
			"Raspberry Pi 3 Model B Rev 1.2 · ⚠ 84 °C · ⚠ the voltage was low · ⚠ the processor is slowed down · ⚠ 9 of 240 " +
				"MB free · " +
				"⚠ 90 % of the memory's life used · restarted after a power cut · ⚠ case open · ⚠ the camera does not work · " +
				"⚠ the mirror m.kz lags"},
		"ru": {"Raspberry Pi 4 Model B Rev 1.4 · 56 °C · Wi-Fi -61 дБм · свободно 180 из 240 МБ · записано на карту " +
			"1\u00a0234 МБ за 3 дн. · перезапуск: обновление",
			"Raspberry Pi 3 Model B Rev 1.2 · ⚠ 84 °C · ⚠ напряжение проседало · ⚠ процессор замедлен · ⚠ свободно 9 из 240 " +
				"МБ · " +
				"⚠ израсходовано 90 % ресурса памяти · перезапуск: отключение питания · ⚠ корпус открыт · ⚠ не работает камера · " +
				"⚠ на зеркале m.kz старый список"},
		"kk": {"Raspberry Pi 4 Model B Rev 1.4 · 56 °C · Wi-Fi -61 дБм · 240 МБ-тың 180 МБ бос · 3 күн ішінде картаға " +
			"1\u00a0234 МБ жазылды · жаңартудан кейін қайта қосылды",
			"Raspberry Pi 3 Model B Rev 1.2 · ⚠ 84 °C · ⚠ кернеу төмендеген · ⚠ процессор баяулатылып тұр · ⚠ 240 МБ-тың 9 " +
				"МБ бос · " +
				"⚠ жад ресурсының 90 %-ы жұмсалды · ток үзілгеннен кейін қайта қосылды · ⚠ корпус ашық · ⚠ камера істемейді · " +
				"⚠ m.kz айнасындағы тізім ескі"},
	} {
		do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
		until(t, ctx, `document.documentElement.lang === %s`, language)
		for i, got := range eval[[]string](t, ctx, lines) {
			if want := want[1-i]; got != want { // the door in trouble stands first
				t.Errorf("%s: %q, want %q", language, got, want)
			}
		}
	}
	keep(t, ctx, "doors-health")
	marks := eval[[]string](t, ctx, `[...document.querySelectorAll("#doors [data-trouble]")].map((mark) => mark.dataset.trouble)`)
	if len(marks) != 8 {
		t.Errorf("marked: %v", marks)
	}
	phone(t, ctx)
	if got := eval[float64](t, ctx, "document.documentElement.scrollWidth"); got > 390 {
		t.Errorf("the page is %v px wide on a phone of 390 px", got)
	}
}
