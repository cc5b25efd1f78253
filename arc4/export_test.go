package arc4

const MaxKeySize = maxKeySize

// RFC6229 returns the test vectors and the offsets they are for.
func RFC6229() (offsets []int, keys []string, streams [][18]string) {
	for _, v := range rfc6229 {
		keys = append(keys, v.key)
		streams = append(streams, v.stream)
	}
	return rfc6229Offsets[:], keys, streams
}
