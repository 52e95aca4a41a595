// What stream protocols do with borrowed bytes and with the memory they lend.
import Volley

final class Echo: StreamProtocol {
    private var transport: (any StreamTransport)?
    private var last: [UInt8] = []

    func connectionMade(_ transport: any StreamTransport) { self.transport = transport }

    func dataReceived(_ data: RawSpan) {
        last = [UInt8](copying: data)
        transport?.write(data)
        transport?.write([0, 4], data)
    }
}

final class Blocks: BufferedStreamProtocol {
    private var block = [UInt8](repeating: 0, count: 4_096)
    private var filled = 0

    func getBuffer(_ loan: inout BufferLoan) { loan.lend(&block, from: filled) }
    func bufferUpdated(_ count: Int) { filled += count }
}

final class Lender: BufferedStreamProtocol {
    private var array = [UInt8](repeating: 0, count: 4_096)
    private var inline = InlineArray<80, UInt8>(repeating: 0)
    private var store = Store()
    private var choice = 0

    func getBuffer(_ loan: inout BufferLoan) {
        choice += 1
        switch choice {
        case 1: loan.lend(&array, 16..<32)
        case 2: loan.lend(&inline, from: 8)
        default: store.lend(to: &loan)
        }
    }

    func bufferUpdated(_ count: Int) {}
}

// Memory of one's own kind: spans of it are for mutating methods of a value type.
struct Store {
    private var bytes = [UInt8](repeating: 0, count: 100)

    mutating func lend(to loan: inout BufferLoan) {
        var span = bytes.mutableSpan
        loan.lend(&span)
    }
}

// Whatever a type conforms to, one kind of closure makes it.
func make(_ body: () -> any BaseStreamProtocol) {}
func makeAll() {
    make { Echo() }
    make { Blocks() }
    make { Lender() }
}
