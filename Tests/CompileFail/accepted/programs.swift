// What a service does with programs and pipes.
import Volley

final class Filter: SubprocessProtocol {
    private var transport: (any SubprocessTransport)?
    private var output: [UInt8] = []

    func connectionMade(_ transport: any SubprocessTransport) {
        self.transport = transport
        transport.pipe(0)?.write("text\n")
        transport.pipe(0)?.close()
    }

    func pipeDataReceived(_ descriptor: CInt, _ data: RawSpan) {
        output += [UInt8](copying: data)
        transport?.pipe(descriptor)?.pauseReading()
    }

    func pipeConnectionLost(_ descriptor: CInt, _ error: StreamError?) { try? transport?.terminate() }

    func processExited() {
        if let termination = transport?.termination, !termination.isSuccess { print("ended with \(termination)") }
    }
}

final class Writer: BaseStreamProtocol {}

func start(on loop: LiveEventLoop) async throws(SubprocessError) {
    var options = SubprocessOptions()
    options.standardError = .standardOutput
    options.environment = .inherited(changing: ["LC_ALL": "C", "HOME": nil])
    let process = try await loop.startProcess("sort", ["--reverse"], options: options) { Filter() }
    try await process.sendSignal(.user1)
    let termination = await process.exited()
    print(termination.returnCode)
}

func connect(_ descriptor: CInt, on loop: LiveEventLoop) throws(StreamError) {
    let pipe = try loop.connectWritePipe(descriptor: descriptor) { Writer() }
    pipe.write([1, 2, 3])
    pipe.close()
}
