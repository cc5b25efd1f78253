package lab

// TCP is how the connections of a transfer are to be; the zero value leaves all to the
// system.
type TCP struct {
	Window     int    // largest window in bytes
	Congestion string // name of the congestion control, such as cubic
}

// Congestion is the name of the congestion control that a connection has which does not
// ask for another.
func (l *Lab) Congestion() (string, error) { return l.net.congestion() }
