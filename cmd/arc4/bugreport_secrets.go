//go:build !nobugreport

package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/bugreport"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/settings"
	"github.com/arc4tun/arc4tun/internal/capture"
	"github.com/arc4tun/arc4tun/tunnel/secrets"
)

// leastForeign is how long the value of a variable that is not ours is at least to be taken for a
// secret by the variable's name, in bytes.
const leastForeign = 6

// setting learns the secrets of a setting of ours, whose files lie beside dir; empty: here.
func (e *evidence) setting(key, value, dir string) {
	switch settings.SecretOf(key) {
	case settings.SecretValue:
		e.secrets.Add(value)
	case settings.SecretFile:
		if dir != "" && !filepath.IsAbs(value) {
			value = filepath.Join(dir, value)
		}
		e.secretFile(value, key == "secrets")
	case settings.NotSecret:
		switch key {
		case "user":
			e.names = append(e.names, value)
		case "server":
			user, server, _ := cmdline.SplitUser(value)
			host, _, _ := strings.Cut(server, ":")
			e.names = append(e.names, user, host)
		}
		e.secrets.Add(bugreport.UserInfo(value)...)
	}
}

// secretFile learns what is in a file of a password, or of users.
func (e *evidence) secretFile(path string, ofUsers bool) {
	text, err := readSome(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			// What nobody may read here is not in what is read here either.
			e.report.Miss("secrets of "+path+", to be taken out", err)
		}
		return
	}
	if !ofUsers {
		first, _, _ := strings.Cut(text, "\n")
		e.secrets.Add(text, first)
		return
	}
	table, err := secrets.Parse([]byte(text), path, readSome)
	if err == nil && table.Len() > 0 {
		table.Each(func(s secrets.Secret) {
			e.secrets.Add(s.Password)
			e.names = append(e.names, s.Client)
		})
		return
	}
	for line := range strings.Lines(text) { // there is a mistake somewhere
		if words := strings.Fields(line); len(words) > 2 && !strings.HasPrefix(words[0], "#") {
			e.secrets.Add(strings.Trim(words[2], `"'`))
		}
	}
}

// mostSecret is how much is read of a file of secrets, in bytes.
const mostSecret = 1 << 20

// readSome reads a file. A pipe or a terminal, as /dev/stdin may be, has been read by the tunnel:
// who waited for it here would wait for good.
func readSome(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is no regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostSecret))
	return string(text), err
}

// environment adds the names of an environment, and learns its secrets; dir is where its program
// runs, empty: here.
func (e *evidence) environment(variables []string, file, dir string) {
	var names []string
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		names = append(names, name)
		switch ours := strings.HasPrefix(name, settings.Prefix); {
		case ours:
			e.setting(strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, settings.Prefix), "_", "-")), value, dir)
		case name == "CREDENTIALS_DIRECTORY":
			e.secretFile(filepath.Join(value, passwordCredential), false)
		default:
			e.secrets.Add(bugreport.UserInfo(value)...)
			if settings.SecretOf(name) == settings.SecretValue && len(value) >= leastForeign {
				e.secrets.Add(value)
			}
		}
	}
	slices.Sort(names)
	e.report.Add(file, tellsNames, []byte(strings.Join(names, "\n")+"\n"), nil)
}

// argumentSecrets learns the secrets among the arguments of a program of ours that runs in dir.
func (e *evidence) argumentSecrets(words []string, dir string) {
	for i, w := range words {
		flag, isFlag := strings.CutPrefix(w, "--")
		name, value, given := strings.Cut(flag, "=")
		switch {
		case !isFlag:
			if i > 0 && words[i-1] == "connect" || strings.Contains(w, "@") {
				e.setting("server", w, dir)
			}
		case given:
			e.setting(name, value, dir)
		case i+1 < len(words):
			e.setting(name, words[i+1], dir)
		}
	}
}

// mostCaptured is how many packets of a capture are in a report.
const mostCaptured = 20_000

// captured adds the headers of a capture.
func (e *evidence) captured() {
	if e.capture == "" {
		return
	}
	const name = "capture-headers.pcapng"
	in, err := os.Open(e.capture)
	if err != nil {
		e.report.Miss(name, err)
		return
	}
	defer in.Close()
	var out strings.Builder
	if _, _, err := capture.CopyHeaders(in, &out, mostCaptured); err != nil {
		e.report.Miss(name+" of "+e.capture, err)
		return
	}
	e.report.Files = append(e.report.Files, bugreport.File{Name: name, Data: []byte(out.String()), Tells: tellsCapture, Binary: true})
}
