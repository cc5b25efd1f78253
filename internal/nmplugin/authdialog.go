package nmplugin

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Dialog is a question for a connection's secret that a client of NetworkManager puts to the
// plugin's auth-dialog, as nmcli --ask and desktops do: it is asked by that client, in its own
// window or on its terminal, and the auth-dialog says what to ask for.
type Dialog struct {
	Name   string // of the connection
	Secret string // the key
	Label  string // what people call it
	// External says that the client asks; else the auth-dialog gives what there is.
	External bool
	Ask      bool   // somebody may be asked
	Again    bool   // what there is was refused
	Message  string // why, or empty
}

// ErrNobodyToAsk is returned where the auth-dialog itself would have to open a window.
var ErrNobodyToAsk = errors.New("there is no password, and no window to ask for one in")

// Answer reads the connection from a client and writes what to ask for, or the secret.
func (d Dialog) Answer(in io.Reader, out io.Writer) error {
	v, err := readDialog(in)
	if err != nil {
		return err
	}
	flags, err := v.flags(d.Secret)
	if err != nil {
		return err
	}
	kept := ""
	if flags&(notSaved|notRequired) == 0 {
		kept = v.Secrets[d.Secret]
	}
	if d.External {
		text := d.Message
		if text == "" {
			text = fmt.Sprintf("The VPN %s asks for a %s.", d.Name, strings.ToLower(d.Label))
		}
		_, err := fmt.Fprintf(out, "[VPN Plugin UI]\nVersion=2\nTitle=%s\nDescription=%s\n\n[%s]\nValue=%s\nLabel=%s\nIsSecret=true\nShouldAsk=%v\n",
			keyfileValue("VPN "+d.Name), keyfileValue(text), d.Secret, keyfileValue(kept), keyfileValue(d.Label),
			d.Ask && flags&notRequired == 0 && (d.Again || kept == ""))
		return err
	}
	if flags&notRequired == 0 && (kept == "" || d.Again && d.Ask) {
		return ErrNobodyToAsk
	}
	_, err = fmt.Fprintf(out, "%s\n%s\n\n\n", d.Secret, kept)
	return err
}

// longestDialog bounds what is read, in bytes.
const longestDialog = 1 << 20

// readDialog reads pairs of lines, DATA_KEY=... and DATA_VAL=..., SECRET_KEY=... and
// SECRET_VAL=..., up to DONE. A value of several lines goes on in lines that begin with =.
func readDialog(in io.Reader) (VPN, error) {
	v := VPN{Data: make(map[string]string), Secrets: make(map[string]string)}
	lines := bufio.NewScanner(io.LimitReader(in, longestDialog))
	lines.Buffer(nil, longestDialog)
	var key string
	var to map[string]string // of the value that was read last
	for lines.Scan() {
		word, text, _ := strings.Cut(lines.Text(), "=")
		switch word {
		case "DONE":
			return v, nil
		case "DATA_KEY", "SECRET_KEY":
			key, to = text, nil
		case "DATA_VAL":
			to = v.Data
			to[key] = text
		case "SECRET_VAL":
			to = v.Secrets
			to[key] = text
		case "":
			if to != nil && lines.Text() != "" {
				to[key] += "\n" + text
			}
		}
	}
	if err := lines.Err(); err != nil {
		return v, err
	}
	return v, errors.New("the connection that a client of NetworkManager sends ends before DONE")
}

// keyfileValue escapes a value of a keyfile.
func keyfileValue(text string) string {
	text = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(strings.ToValidUTF8(text, "\uFFFD"))
	if strings.HasPrefix(text, " ") {
		text = `\s` + text[1:]
	}
	return text
}
