package provision

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pelletier/go-toml/v2"

	"ashyq-kiosk/kiosk/api"
)

// custom is custom.toml, config_version 1, as raspberrypi-sys-mods reads it.
type custom struct {
	Version int `toml:"config_version"`
	System  struct {
		HostName string `toml:"hostname"`
	} `toml:"system"`
	User struct {
		Password string `toml:"password"`
	} `toml:"user"`
	SSH struct {
		Enabled  *bool    `toml:"enabled"`
		Keys     []string `toml:"authorized_keys"`
		Password bool     `toml:"password_authentication"`
	} `toml:"ssh"`
	WLAN struct {
		SSID     string `toml:"ssid"`
		Password string `toml:"password"`
		Hidden   bool   `toml:"hidden"`
		Country  string `toml:"country"`
	} `toml:"wlan"`
	Locale struct {
		TimeZone string `toml:"timezone"`
	} `toml:"locale"`
}

func readCustom(data []byte) (w wishes) {
	var c custom
	if err := decodeTOML(data, &c); err != nil {
		w.fail(err)
		return w
	}
	if c.Version != 1 {
		w.fail(fmt.Errorf("config_version %d, want 1", c.Version))
		return w
	}
	w.askHostName(c.System.HostName)
	w.askTimeZone(c.Locale.TimeZone)
	w.askCountry(c.WLAN.Country)
	if c.SSH.Enabled == nil || *c.SSH.Enabled {
		for _, key := range c.SSH.Keys {
			w.askKeys(key)
		}
	}
	if c.User.Password != "" || c.SSH.Password {
		w.ignored = append(w.ignored, "the password; there are keys only")
	}
	if c.WLAN.SSID != "" {
		// password_encrypted needs no look: 64 hex digits are the key, and no passphrase is as long.
		w.askNetwork(network{ssid: c.WLAN.SSID, secret: c.WLAN.Password, hidden: c.WLAN.Hidden})
	}
	return w
}

// decodeTOML never panics, whatever the library does with a file: a door has to start.
func decodeTOML(data []byte, to any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("the reader of TOML has failed on it")
		}
	}()
	var wrong *toml.DecodeError
	err = toml.Unmarshal(data, to)
	if errors.As(err, &wrong) {
		row, column := wrong.Position()
		return fmt.Errorf("line %d, column %d: %w", row, column, err)
	}
	return err
}

// readEnrolled reads the network of an enrolment code.
func readEnrolled(data []byte) (w wishes) {
	var wifi api.WiFi
	if err := json.Unmarshal(data, &wifi); err != nil {
		w.fail(errors.New("not the JSON that the daemon writes"))
		return w
	}
	w.askCountry(wifi.Country)
	if wifi.SSID != "" {
		w.askNetwork(network{ssid: wifi.SSID, secret: wifi.Passphrase, enrolled: true})
	}
	return w
}
