package mschap

//lint:ignore SA1019 RFC 2759 section 8.3 is made of MD4
import "golang.org/x/crypto/md4"

// md4Of is the plain hash.
func md4Of(b []byte) [16]byte {
	h := md4.New()
	h.Write(b)
	return [16]byte(h.Sum(nil))
}
