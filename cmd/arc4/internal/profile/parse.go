package profile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/settings"
)

// Entry is a line of a file: a key and its value.
type Entry struct {
	Key   string
	Value settings.Value
	Line  int
}

// SyntaxError is a line that cannot be read.
type SyntaxError struct {
	Line int
	What string
}

func (e *SyntaxError) Error() string { return e.What }

// Parse reads the entries of a file, in their order. An error is a *SyntaxError.
func Parse(text []byte) ([]Entry, error) {
	// That it is TOML at all, and gives no key twice, the library's decoder says; where each key
	// stands, only its parser.
	var all map[string]any
	if err := toml.Unmarshal(text, &all); err != nil {
		return nil, syntaxError(err)
	}
	var p unstable.Parser
	p.Reset(text)
	var entries []Entry
	for p.NextExpression() {
		e, err := entryOf(&p, p.Expression())
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if err := p.Error(); err != nil {
		return nil, &SyntaxError{1, err.Error()}
	}
	return entries, nil
}

// syntaxError turns an error of the decoder into one of ours.
func syntaxError(err error) error {
	var at *toml.DecodeError
	if !errors.As(err, &at) {
		return &SyntaxError{1, strings.TrimPrefix(err.Error(), "toml: ")}
	}
	line, _ := at.Position()
	what := strings.TrimPrefix(at.Error(), "toml: ")
	for part, remedy := range remedies {
		if strings.Contains(what, part) {
			return &SyntaxError{line, what + ": " + remedy}
		}
	}
	return &SyntaxError{line, what}
}

const quote = `a text stands in quotation marks, as in mppe = "require"`

// remedies are for what the decoder says to the mistakes that are made most.
var remedies = map[string]string{
	"invalid escape character": `in '...' instead of "..." a backslash stands for itself`,
	"unicode escape":           `in '...' instead of "..." a backslash stands for itself`,
	"at start of value":        quote,
	"expected newline but got": quote,
	"after array value":        quote,
}

// entryOf reads what stands on one line, or on several if it is a list.
func entryOf(p *unstable.Parser, node *unstable.Node) (Entry, error) {
	var keys []string
	line := 1
	for at := node.Key(); at.Next(); {
		if len(keys) == 0 {
			line = p.Shape(at.Node().Raw).Start.Line
		}
		keys = append(keys, string(at.Node().Data))
	}
	key := strings.Join(keys, ".")
	switch {
	case node.Kind != unstable.KeyValue:
		return Entry{}, &SyntaxError{line, fmt.Sprintf("[%s]: there are no sections here: leave the line out, and put its keys among the others", key)}
	case len(keys) != 1:
		return Entry{}, &SyntaxError{line, fmt.Sprintf("%s: there are no keys within keys here", key)}
	}
	e := Entry{Key: key, Line: line}
	value := node.Value()
	if value.Kind != unstable.Array {
		item, kind, err := itemOf(value)
		if err != nil {
			return Entry{}, &SyntaxError{line, fmt.Sprintf("%s: %s", key, err)}
		}
		e.Value = settings.Value{Items: []string{item}, Kind: kind}
		return e, nil
	}
	e.Value.List = true
	for at := value.Children(); at.Next(); {
		item, kind, err := itemOf(at.Node())
		if err == nil && kind == settings.Bool {
			err = errors.New("a list holds texts in quotation marks")
		}
		if err != nil {
			return Entry{}, &SyntaxError{line, fmt.Sprintf("%s: %s", key, err)}
		}
		e.Value.Items = append(e.Value.Items, item)
	}
	return e, nil
}

// itemOf is a value as a flag would have it.
func itemOf(node *unstable.Node) (string, settings.Kind, error) {
	text := string(node.Data)
	switch node.Kind {
	case unstable.String:
		if strings.ContainsRune(text, 0) {
			return "", 0, errors.New("a zero character can be in no value")
		}
		return text, settings.Text, nil
	case unstable.Integer, unstable.Float:
		return text, settings.Number, nil
	case unstable.Bool:
		return text, settings.Bool, nil
	case unstable.Array:
		return "", 0, errors.New("a list in a list")
	case unstable.InlineTable:
		return "", 0, errors.New("there are no tables here: give a text, a number, true, false, or a list")
	}
	// Without the text, which may be a password.
	return "", 0, errors.New("this is a date or a time for TOML: put it into quotation marks")
}
