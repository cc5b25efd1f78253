package reorder

// Mark says that seq was used by something that is not data, such as a control
// frame that went its own way: the window neither waits for it nor counts it as
// lost. A mark moves nothing but the head, and only over numbers that are
// marked; it starts no wait. Data that comes with a marked number that the head
// has not passed takes its place, so a forged mark costs nobody a wait. Marks
// before the first packet, behind the head or beyond the window are ignored.
func (w *Window) Mark(seq uint32, deliver func([]byte)) {
	ahead := seq - w.head
	if !w.started || ahead >= w.size || w.ring.has(seq, ahead) {
		return
	}
	if w.marks.bits == nil {
		w.marks = newHistory(int(w.size))
	}
	if !w.marks.has(seq) {
		w.marks.set(seq)
		w.marked++
	}
	if ahead == 0 {
		w.drain(deliver)
	}
}

// Restart delivers all that waits and forgets where the stream was: the next
// packet sets the head as the first one did. The counters go on.
func (w *Window) Restart(deliver func([]byte)) {
	w.Flush(deliver)
	clear(w.past.bits)
	clear(w.marks.bits)
	w.marked = 0
	w.span = 0
	w.started = false
}

// atMark reports whether the head stands on a marked number.
func (w *Window) atMark() bool { return w.marked > 0 && w.marks.has(w.head) }

// passMark moves the head over the marked number it stands on.
func (w *Window) passMark() {
	w.unmark(w.head)
	w.past.set(w.head)
	w.head++
	w.span++
	w.stats.Marked++
}

// unmark takes the mark off seq, if it has one.
func (w *Window) unmark(seq uint32) {
	if w.marked > 0 && w.marks.has(seq) {
		w.marks.clear(seq)
		w.marked--
	}
}
