package secrets

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxFile bounds the file, in bytes: some hundred thousand users.
	maxFile = 16 << 20
	// maxSecret is the longest password pppd uses whole (MAXSECRETLEN).
	maxSecret = 256
	wild      = "*"

	notUTF8Remedy = "save the file as UTF-8, which is what clients' passwords are taken to be (iconv -f latin1 -t utf-8)"
)

// ParseError is a line that cannot be read. It never holds a password.
type ParseError struct {
	File    string
	Line    int // from 1
	Problem string
	Remedy  string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("%s line %d: %s: %s", e.File, e.Line, e.Problem, e.Remedy)
}

// Table is a file's content, ready for look-ups. It does not change.
type Table struct {
	byClient map[string][]Secret // in the file's order; wildcard lines under "*"
	count    int
	warnings []Warning
}

// Parse reads a secrets file's content. name is the file's, for errors. indirect reads the
// secret of a line that names a file (@/path); when nil, such a line is an error. The first
// malformed line ends it with a *ParseError.
func Parse(data []byte, name string, indirect func(path string) (string, error)) (*Table, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is %d bytes long: a secrets file may have at most %d", name, len(data), maxFile)
	}
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return nil, &ParseError{name, 1, "the file starts with a byte order mark, which would become part of the first name", "save it as UTF-8 without one"}
	}
	t := &Table{byClient: make(map[string][]Secret)}
	scan := scanner{data: data, line: 1}
	for {
		words, err := scan.entry()
		if err == nil && words == nil {
			if t.count == 0 {
				t.warn(name, Secret{}, "has no user, so that nobody can log in: write lines CLIENT SERVER SECRET ADDRESSES")
			}
			return t, nil
		}
		if err == nil {
			err = t.add(words, name, indirect)
		}
		var syntax *syntaxError
		if errors.As(err, &syntax) {
			return nil, &ParseError{name, syntax.line, syntax.problem, syntax.remedy}
		}
		if err != nil {
			return nil, err
		}
	}
}

func (t *Table) add(words []word, name string, indirect func(string) (string, error)) error {
	line := words[0].line
	if len(words) < 3 {
		return &syntaxError{line, fmt.Sprintf("%d word(s) where there must be at least 3", len(words)),
			"write CLIENT SERVER SECRET ADDRESSES..., with * for any server and any address; a word with a # in it goes into quotes"}
	}
	s := Secret{Client: words[0].text, Server: words[1].text, Password: words[2].text, Line: line}
	if strings.HasPrefix(s.Password, "@/") {
		path := s.Password[1:]
		if indirect == nil {
			return &syntaxError{line, "the secret is in another file, " + path, "write the secret itself here"}
		}
		secret, err := indirect(path)
		if err != nil {
			return fmt.Errorf("%s line %d: %w", name, line, err)
		}
		s.Password = secret
	}
	if !utf8.ValidString(s.Password) {
		return &syntaxError{line, "the secret is not UTF-8", notUTF8Remedy}
	}
	if len(s.Password) > maxSecret {
		return &syntaxError{line, fmt.Sprintf("the secret is %d bytes long", len(s.Password)), fmt.Sprintf("use at most %d", maxSecret)}
	}
	columns := words[3:]
	for i, w := range columns {
		if w.text == "--" {
			if i+1 < len(columns) {
				t.warn(name, s, "the pppd options after -- have no effect here")
			}
			columns = columns[:i]
			break
		}
	}
	var err error
	if s.addresses, err = parseRules(columns); err != nil {
		return err
	}
	if s.Password == "" {
		t.warn(name, s, "the secret is empty: whoever knows the user's name can log in with it")
	}
	t.warnOfWords(name, s, words)
	t.warnOfRepetition(name, s)
	if len(columns) == 0 {
		t.warn(name, s, "no address column, which as in pppd allows this user no address: add * for any")
	}
	t.byClient[s.Client] = append(t.byClient[s.Client], s)
	t.count++
	return nil
}

// Warnings are lines that can be read but probably do not do what was meant.
func (t *Table) Warnings() []Warning { return t.warnings }

// Len is the number of secrets.
func (t *Table) Len() int { return t.count }

// Each calls f with every secret of the file, in its order.
func (t *Table) Each(f func(Secret)) {
	var all []*Secret // a sort of pointers is in a router's build already, and weighs nothing
	for _, list := range t.byClient {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	slices.SortFunc(all, func(a, b *Secret) int { return cmp.Compare(a.Line, b.Line) })
	for _, s := range all {
		f(*s)
	}
}

// ServersOf lists the servers that a client's own lines name, in the file's order.
func (t *Table) ServersOf(client string) []string {
	var servers []string
	for _, s := range t.byClient[client] {
		servers = append(servers, s.Server)
	}
	return servers
}

// String tells the number alone.
func (t *Table) String() string { return fmt.Sprintf("%d secrets", t.count) }

// GoString tells the number alone.
func (t *Table) GoString() string { return t.String() }

// Lookup finds the secret of client on server, compared byte for byte. Among lines that match,
// one that names both beats one that names the server, which beats one that names the client,
// which beats one of two wildcards; among equals the first in the file wins.
func (t *Table) Lookup(client, server string) (Secret, bool) {
	best, bestScore := Secret{}, -1
	consider := func(list []Secret) {
		for _, s := range list {
			score := 0
			if s.Client != wild {
				score |= 1
			}
			if s.Server != wild {
				if s.Server != server {
					continue
				}
				score |= 2
			}
			if score > bestScore || score == bestScore && s.Line < best.Line {
				best, bestScore = s, score
			}
		}
	}
	consider(t.byClient[client])
	if client != wild {
		consider(t.byClient[wild])
	}
	return best, bestScore >= 0
}
