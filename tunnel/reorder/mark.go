package reorder

// Mark notes that seq was used by something that is not data, such as a control
// frame that is delivered at once: the window neither waits for it nor counts it as
// lost. A mark moves nothing but the head, and only over numbers that are
// marked; it starts no wait. Data that comes with a marked number after all takes
// its place, at once if the head has passed it, so a forged mark costs nobody a
// packet or a wait. Marks before the first packet, behind the head or beyond the
// window are ignored.
func (w *Window) Mark(seq uint32, deliver func([]byte)) {
	ahead := seq - w.head
	if !w.started || ahead >= w.size || w.ring.has(seq, ahead) {
		return
	}
	if w.marks.bits == nil {
		w.marks, w.passed = newBitmap(int(w.size)), newBitmap(int(w.size))
	}
	if !w.marks.has(seq) {
		w.marks.set(seq)
		w.marked++
	}
	if ahead == 0 {
		w.drain(deliver)
	}
}

// atMark reports whether the head stands on a marked number.
func (w *Window) atMark() bool { return w.marked > 0 && w.marks.has(w.head) }

// passMark moves the head over the marked number it stands on.
func (w *Window) passMark() {
	w.unmark(w.head)
	w.past.clear(w.head)
	w.passed.set(w.head)
	w.head++
	w.span++
	w.stats.Marked++
}

// claim delivers data whose number the head has passed as marked, and reports
// whether it did; seq is behind the head by age.
func (w *Window) claim(seq, age uint32, p []byte, deliver func([]byte)) bool {
	if w.passed.bits == nil || age > w.size || !w.passed.has(seq) {
		return false
	}
	w.passed.clear(seq)
	w.past.set(seq)
	w.stats.Marked--
	w.stats.Accepted++
	deliver(p)
	return true
}

// forget clears what was known of n numbers from the head on, Size numbers ago.
func (w *Window) forget(n uint32) {
	if w.passed.bits != nil {
		w.passed.clearRange(w.head, n)
	}
}

// unmark takes the mark off seq, if it has one.
func (w *Window) unmark(seq uint32) {
	if w.marked > 0 && w.marks.has(seq) {
		w.marks.clear(seq)
		w.marked--
	}
}
