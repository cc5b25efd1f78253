package control

import (
	"errors"
	"fmt"
)

// maxRawWords is how many bytes of what is no message are shown.
const maxRawWords = 16

// Words puts one control message, as it is on the wire, into words on one line: its name and its
// fields. What is none is shown as malformed, with its length and its first bytes. The text is
// printable and some 600 bytes long at most.
func Words(message []byte) string {
	m, err := Parse(message)
	switch {
	case err == nil:
		return "[" + m.String() + "]"
	case errors.Is(err, ErrUnknownType):
		return fmt.Sprintf("[control message of an unknown type, %d bytes: % x]", len(message), message[headerLen-4:min(len(message), headerLen+maxRawWords)])
	}
	more := ""
	if len(message) > maxRawWords {
		more = " ..."
	}
	return fmt.Sprintf("[malformed control message, %d bytes: % x%s]", len(message), message[:min(len(message), maxRawWords)], more)
}
