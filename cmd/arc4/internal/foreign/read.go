package foreign

import (
	"errors"
	"fmt"
	"strings"
)

// Read tells by its lines what a file is, and reads it. which is the interface, for a file of
// OpenWrt that has several; files reads other files that it names.
func Read(text []byte, which string, files Files) (*Profile, error) {
	kind := recognize(string(text))
	if which != "" && kind != openwrtFile {
		return nil, fmt.Errorf("only a file of OpenWrt has several interfaces: leave --interface %s out", which)
	}
	switch kind {
	case openwrtFile:
		return OpenWrt(text, which, files)
	case networkManagerFile:
		return NetworkManager(text)
	case pppdFile:
		return PPPD(text, files), nil
	}
	return nil, errors.New("it is no file of pppd's peers, no *.nmconnection of NetworkManager, and no /etc/config/network of OpenWrt")
}

type kind int

const (
	unknownFile kind = iota
	pppdFile
	networkManagerFile
	openwrtFile
)

// recognize goes by the first line that says something. Options of pppd are any words: one of them
// has to be known.
func recognize(text string) kind {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			return networkManagerFile
		}
		if first := lines(line); len(first) > 0 && (first[0][0].text == "config" || first[0][0].text == "package") && len(first[0]) > 1 {
			return openwrtFile
		}
		break
	}
	for _, w := range flat(lines(text)) {
		if _, known := pppdOptions[w.text]; known {
			return pppdFile
		}
	}
	return unknownFile
}
