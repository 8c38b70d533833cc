//go:build !wasip1

package abi

// Where there is no host, as in `go test`: what calls nothing of it is tested there.
func outside() {
	panic("only a host can do that: serve the handler, with `sessile up`")
}

func Method(of uint64, result *Area) { outside() }

func Scheme(of uint64, result *Area) { outside() }

func Authority(of uint64, result *Area) { outside() }

func Path(of uint64, result *Area) { outside() }

func Query(of uint64, result *Area) { outside() }

func Params(of uint64, result *Area) { outside() }

func Headers(of uint64, result *Area) { outside() }

func Header(of uint64, name string, result *Area) { outside() }

func Version(of uint64, result *Area) { outside() }

func PeerAddress(of uint64, result *Area) { outside() }

func LocalAddress(of uint64, result *Area) { outside() }

func StartedAt(of uint64) uint64 { outside(); return 0 }

func GetState(ws uint64) uint32 { outside(); return 0 }

func OfferedSubprotocols(ws uint64, result *Area) { outside() }

func Subprotocol(ws uint64, result *Area) { outside() }

func Buffered(ws uint64) uint64 { outside(); return 0 }

func Dropped(ws uint64) uint64 { outside(); return 0 }

func RoundTrip(ws uint64, result *Area) { outside() }

func Attachment(ws uint64, result *Area) { outside() }

func SetAttachment(ws uint64, bytes string, result *Area) { outside() }

func Accept(ws uint64, chosen uint32, subprotocol string, headers Fields, count uint32, result *Area) {
	outside()
}

func Reject(ws uint64, status uint32, headers Fields, count uint32, body string, result *Area) {
	outside()
}

func Send(ws uint64, kind uint32, data string, result *Area) { outside() }

func TrySend(ws uint64, kind uint32, data string, result *Area) { outside() }

func Receive(ws uint64, limited uint32, timeout uint64, result *Area) { outside() }

func Ping(ws uint64, result *Area) { outside() }

func Close(ws uint64, code uint32, reason string, result *Area) { outside() }

func RawStates(ws uint64, result *Area) { outside() }

func RawSend(ws uint64, event, a, b, c, d, e uint32, result *Area) { outside() }

func RawReceive(ws uint64, limited uint32, timeout uint64, result *Area) { outside() }

func HTTPRead(ex uint64, max uint64, result *Area) { outside() }

func HTTPSend(ex uint64, status uint32, headers Fields, count uint32, body string, result *Area) {
	outside()
}

func HTTPSendStart(ex uint64, status uint32, headers Fields, count uint32, result *Area) { outside() }

func HTTPSendChunk(ex uint64, chunk string, result *Area) { outside() }

func HTTPSendFinished(ex uint64, result *Area) { outside() }

func HTTPSendRaw(ex uint64, response string, close uint32, result *Area) { outside() }

func HTTPSendCancel(ex uint64, result *Area) { outside() }

func HTTPDispose(ex uint64) { outside() }

func SessionOpen(of uint64, result *Area) { outside() }

func SessionGet(of uint64, key string, result *Area) { outside() }

func SessionSet(of uint64, key string, value string, result *Area) { outside() }

func SessionRemove(of uint64, key string, result *Area) { outside() }

func SessionKeys(of uint64, result *Area) { outside() }

func SessionClear(of uint64, result *Area) { outside() }

func SessionDiscard(of uint64, result *Area) { outside() }

func SessionIsNew(of uint64, result *Area) { outside() }

func SessionVersion(of uint64, result *Area) { outside() }

func SessionSetExpiry(of uint64, some uint32, expiry uint64, result *Area) { outside() }

func SessionCycleID(of uint64, result *Area) { outside() }

func SessionFlush(of uint64, result *Area) { outside() }

func SessionSave(of uint64, only uint32, ifVersion uint64, result *Area) { outside() }

func Join(ws uint64, group string, result *Area) { outside() }

func Leave(ws uint64, group string, result *Area) { outside() }

func Publish(group string, kind uint32, data string, result *Area) { outside() }

func JoinAs(ws uint64, group string, described uint32, metadata string, tags Fields, count, since uint32, epoch, offset uint64, result *Area) {
	outside()
}

func PublishTo(group string, kind uint32, data string, tagged uint32, tag string, excepted uint32, except uint64, result *Area) {
	outside()
}

func CountMembers(group string, result *Area) { outside() }

func Members(group string, tagged uint32, tag string, further uint32, after uint64, limit uint32, result *Area) {
	outside()
}

func History(group string, since uint32, epoch, offset uint64, limit uint32, result *Area) { outside() }

func CountConnections(routed uint32, route string, handled uint32, handler string, grouped uint32, group string, shared uint32, sessionOf uint64, result *Area) {
	outside()
}

func Connections(routed uint32, route string, handled uint32, handler string, grouped uint32, group string, shared uint32, sessionOf uint64, further uint32, after uint64, limit uint32, result *Area) {
	outside()
}

func LookupConnection(id uint64, result *Area) { outside() }

func SendTo(id uint64, kind uint32, data string, result *Area) { outside() }

func SendToAll(routed uint32, route string, handled uint32, handler string, grouped uint32, group string, shared uint32, sessionOf uint64, kind uint32, data string, result *Area) {
	outside()
}

func PingConnection(id uint64, result *Area) { outside() }

func CloseConnection(id uint64, code uint32, reason string, result *Area) { outside() }

func SetAlarm(whose uint32, session uint64, name string, due uint64, payload string, result *Area) {
	outside()
}

func CancelAlarm(whose uint32, session uint64, name string, result *Area) { outside() }

func Alarms(whose uint32, session uint64, further uint32, after string, limit uint32, result *Area) {
	outside()
}

func Log(level uint32, message string) { outside() }
