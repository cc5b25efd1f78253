package control

// Framer cuts the byte stream of a control connection into messages (RFC 2637 section 1.4). TCP may
// split and join them anywhere. The zero value is ready; it never holds more than one message.
type Framer struct {
	buf [maxMessageLen]byte
	n   int // bytes of an unfinished message
	err error
}

// Next takes bytes off data up to the end of one message, and returns the message and what is left
// of data. A nil message without an error means that data is used up and the message goes on. The
// message is valid until the next call. After an error, which wraps ErrProtocol and comes as soon
// as the header shows it, the stream cannot be followed: every further call returns the same error.
func (f *Framer) Next(data []byte) (message, rest []byte, err error) {
	for f.err == nil {
		want := headerLen
		if f.n >= headerLen {
			_, want, _ = checkHeader(f.buf[:f.n])
		}
		took := copy(f.buf[f.n:want], data)
		f.n += took
		data = data[took:]
		_, length, err := checkHeader(f.buf[:f.n])
		if err != nil && err != errShort {
			f.err = err
			break
		}
		if f.n < want {
			return nil, nil, nil
		}
		if f.n >= length {
			f.n = 0
			return f.buf[:length], data, nil
		}
	}
	return nil, data, f.err
}

// unfinished is the bytes held of an unfinished message: after an error, those that showed it.
func (f *Framer) unfinished() []byte { return f.buf[:f.n] }
