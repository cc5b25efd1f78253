package ppp

// output holds frames and events until the state has settled, and then gives
// them out in order. A callback that calls the link again only adds to the queue.
type output struct {
	send     func([]byte)
	event    func(Event)
	queue    []outputItem
	draining bool
}

// outputItem is a frame or an event.
type outputItem struct {
	frame []byte
	event Event
}

func (o *output) pushFrame(f []byte) { o.queue = append(o.queue, outputItem{frame: f}) }
func (o *output) pushEvent(e Event)  { o.queue = append(o.queue, outputItem{event: e}) }

// drain gives out everything, also what the callbacks add.
func (o *output) drain() {
	if o.draining {
		return
	}
	o.draining = true
	defer func() { o.draining = false }()
	for i := 0; i < len(o.queue); i++ {
		item := o.queue[i]
		o.queue[i] = outputItem{}
		if item.event != nil {
			o.event(item.event)
		} else {
			o.send(item.frame)
		}
	}
	o.queue = o.queue[:0]
}
