package abi

// What the host does, of wit/: texts and lists of bytes are strings here, lists of fields are Fields, an option is a
// number (0 none, 1 some) before its value, and what is more than a number comes through the last argument.

//go:wasmimport sessile:handler/types@0.1.0 method
func Method(of uint64, result *Area)

//go:wasmimport sessile:handler/types@0.1.0 scheme
func Scheme(of uint64, result *Area)

//go:wasmimport sessile:handler/types@0.1.0 authority
func Authority(of uint64, result *Area)

//go:wasmimport sessile:handler/types@0.1.0 path
func Path(of uint64, result *Area)

//go:wasmimport sessile:handler/types@0.1.0 query
func Query(of uint64, result *Area)

//go:wasmimport sessile:handler/types@0.1.0 params
func Params(of uint64, result *Area)

//go:wasmimport sessile:handler/types@0.1.0 headers
func Headers(of uint64, result *Area)

//go:wasmimport sessile:handler/types@0.1.0 header
func Header(of uint64, name string, result *Area)

//go:wasmimport sessile:handler/types@0.1.0 version
func Version(of uint64, result *Area)

//go:wasmimport sessile:handler/types@0.1.0 peer-address
func PeerAddress(of uint64, result *Area)

//go:wasmimport sessile:handler/types@0.1.0 local-address
func LocalAddress(of uint64, result *Area)

//go:wasmimport sessile:handler/types@0.1.0 started-at
func StartedAt(of uint64) uint64

//go:wasmimport sessile:handler/websocket@0.1.0 get-state
func GetState(ws uint64) uint32

//go:wasmimport sessile:handler/websocket@0.1.0 offered-subprotocols
func OfferedSubprotocols(ws uint64, result *Area)

//go:wasmimport sessile:handler/websocket@0.1.0 subprotocol
func Subprotocol(ws uint64, result *Area)

//go:wasmimport sessile:handler/websocket@0.1.0 buffered
func Buffered(ws uint64) uint64

//go:wasmimport sessile:handler/websocket@0.1.0 dropped
func Dropped(ws uint64) uint64

//go:wasmimport sessile:handler/websocket@0.1.0 round-trip
func RoundTrip(ws uint64, result *Area)

//go:wasmimport sessile:handler/websocket@0.1.0 attachment
func Attachment(ws uint64, result *Area)

//go:wasmimport sessile:handler/websocket@0.1.0 set-attachment
func SetAttachment(ws uint64, bytes string, result *Area)

//go:wasmimport sessile:handler/websocket@0.1.0 accept
func Accept(ws uint64, chosen uint32, subprotocol string, headers Fields, count uint32, result *Area)

//go:wasmimport sessile:handler/websocket@0.1.0 reject
func Reject(ws uint64, status uint32, headers Fields, count uint32, body string, result *Area)

//go:wasmimport sessile:handler/websocket@0.1.0 send
func Send(ws uint64, kind uint32, data string, result *Area)

//go:wasmimport sessile:handler/websocket@0.1.0 try-send
func TrySend(ws uint64, kind uint32, data string, result *Area)

//go:wasmimport sessile:handler/websocket@0.1.0 receive
func Receive(ws uint64, limited uint32, timeout uint64, result *Area)

//go:wasmimport sessile:handler/websocket@0.1.0 ping
func Ping(ws uint64, result *Area)

//go:wasmimport sessile:handler/websocket@0.1.0 close
func Close(ws uint64, code uint32, reason string, result *Area)

//go:wasmimport sessile:handler/raw@0.1.0 states
func RawStates(ws uint64, result *Area)

//go:wasmimport sessile:handler/raw@0.1.0 send
func RawSend(ws uint64, event, a, b, c, d, e uint32, result *Area)

//go:wasmimport sessile:handler/raw@0.1.0 receive
func RawReceive(ws uint64, limited uint32, timeout uint64, result *Area)

//go:wasmimport sessile:handler/http@0.1.0 read
func HTTPRead(ex uint64, max uint64, result *Area)

//go:wasmimport sessile:handler/http@0.1.0 send
func HTTPSend(ex uint64, status uint32, headers Fields, count uint32, body string, result *Area)

//go:wasmimport sessile:handler/http@0.1.0 send-start
func HTTPSendStart(ex uint64, status uint32, headers Fields, count uint32, result *Area)

//go:wasmimport sessile:handler/http@0.1.0 send-chunk
func HTTPSendChunk(ex uint64, chunk string, result *Area)

//go:wasmimport sessile:handler/http@0.1.0 send-finished
func HTTPSendFinished(ex uint64, result *Area)

//go:wasmimport sessile:handler/http@0.1.0 send-raw
func HTTPSendRaw(ex uint64, response string, close uint32, result *Area)

//go:wasmimport sessile:handler/http@0.1.0 send-cancel
func HTTPSendCancel(ex uint64, result *Area)

//go:wasmimport sessile:handler/http@0.1.0 dispose
func HTTPDispose(ex uint64)

//go:wasmimport sessile:handler/session@0.1.0 open
func SessionOpen(of uint64, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 get
func SessionGet(of uint64, key string, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 set
func SessionSet(of uint64, key string, value string, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 remove
func SessionRemove(of uint64, key string, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 keys
func SessionKeys(of uint64, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 clear
func SessionClear(of uint64, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 discard
func SessionDiscard(of uint64, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 is-new
func SessionIsNew(of uint64, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 version
func SessionVersion(of uint64, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 set-expiry
func SessionSetExpiry(of uint64, some uint32, expiry uint64, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 cycle-id
func SessionCycleID(of uint64, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 flush
func SessionFlush(of uint64, result *Area)

//go:wasmimport sessile:handler/session@0.1.0 save
func SessionSave(of uint64, only uint32, ifVersion uint64, result *Area)

//go:wasmimport sessile:handler/groups@0.1.0 join
func Join(ws uint64, group string, result *Area)

//go:wasmimport sessile:handler/groups@0.1.0 leave
func Leave(ws uint64, group string, result *Area)

//go:wasmimport sessile:handler/groups@0.1.0 publish
func Publish(group string, kind uint32, data string, result *Area)

//go:wasmimport sessile:handler/groups@0.1.0 join-as
func JoinAs(ws uint64, group string, described uint32, metadata string, tags Fields, count, since uint32, epoch, offset uint64, result *Area)

//go:wasmimport sessile:handler/groups@0.1.0 publish-to
func PublishTo(group string, kind uint32, data string, tagged uint32, tag string, excepted uint32, except uint64, result *Area)

//go:wasmimport sessile:handler/groups@0.1.0 count
func CountMembers(group string, result *Area)

//go:wasmimport sessile:handler/groups@0.1.0 members
func Members(group string, tagged uint32, tag string, further uint32, after uint64, limit uint32, result *Area)

//go:wasmimport sessile:handler/groups@0.1.0 history
func History(group string, since uint32, epoch, offset uint64, limit uint32, result *Area)

//go:wasmimport sessile:handler/connections@0.1.0 count
func CountConnections(routed uint32, route string, handled uint32, handler string, grouped uint32, group string, shared uint32, sessionOf uint64, result *Area)

//go:wasmimport sessile:handler/connections@0.1.0 list
func Connections(routed uint32, route string, handled uint32, handler string, grouped uint32, group string, shared uint32, sessionOf uint64, further uint32, after uint64, limit uint32, result *Area)

//go:wasmimport sessile:handler/connections@0.1.0 lookup
func LookupConnection(id uint64, result *Area)

//go:wasmimport sessile:handler/connections@0.1.0 send-to
func SendTo(id uint64, kind uint32, data string, result *Area)

//go:wasmimport sessile:handler/connections@0.1.0 send-to-all
func SendToAll(routed uint32, route string, handled uint32, handler string, grouped uint32, group string, shared uint32, sessionOf uint64, kind uint32, data string, result *Area)

//go:wasmimport sessile:handler/connections@0.1.0 ping
func PingConnection(id uint64, result *Area)

//go:wasmimport sessile:handler/connections@0.1.0 close
func CloseConnection(id uint64, code uint32, reason string, result *Area)

//go:wasmimport sessile:handler/alarms@0.1.0 set
func SetAlarm(whose uint32, session uint64, name string, due uint64, payload string, result *Area)

//go:wasmimport sessile:handler/alarms@0.1.0 cancel
func CancelAlarm(whose uint32, session uint64, name string, result *Area)

//go:wasmimport sessile:handler/alarms@0.1.0 list
func Alarms(whose uint32, session uint64, further uint32, after string, limit uint32, result *Area)

//go:wasmimport sessile:handler/log@0.1.0 write
func Log(level uint32, message string)
