/// One callback of a stream protocol, as a value; the cases are the callbacks, one for one.
public enum RecordedStreamEvent: Hashable, Sendable {
    case connectionMade
    case data([UInt8])
    /// `getBuffer`, with the hint it was given.
    case getBuffer(sizeHint: Int)
    /// `bufferUpdated`, with the bytes that were received.
    case bufferUpdated([UInt8])
    case endOfStream
    case pauseWriting
    case resumeWriting
    case connectionLost(StreamError?)
}

/// Writes down every callback in order, and lets a test do something inside of each: what the recording stream
/// protocols share.
///
/// A hook runs after its callback has been written down. Like any protocol, a recorder keeps its transport.
public class StreamRecorder {
    /// Every callback so far.
    public private(set) var events: [RecordedStreamEvent] = []
    /// Every byte received so far, in order.
    public private(set) var received: [UInt8] = []
    /// What `connectionMade` brought.
    public internal(set) var transport: (any StreamTransport)?
    /// What `eofReceived` returns.
    public var keepsOpen = false

    /// Runs inside `connectionMade`.
    public var onConnectionMade: ((any StreamTransport) -> Void)?
    /// Runs inside `dataReceived` and `bufferUpdated`, with the bytes.
    public var onData: ((any StreamTransport, [UInt8]) -> Void)?
    /// Runs inside `getBuffer`, before anything is lent.
    public var onGetBuffer: ((any StreamTransport) -> Void)?
    /// Runs inside `eofReceived`.
    public var onEndOfStream: ((any StreamTransport) -> Void)?
    /// Runs inside `pauseWriting`.
    public var onPauseWriting: ((any StreamTransport) -> Void)?
    /// Runs inside `resumeWriting`.
    public var onResumeWriting: ((any StreamTransport) -> Void)?
    /// Runs inside `connectionLost`.
    public var onConnectionLost: ((any StreamTransport, StreamError?) -> Void)?

    fileprivate init() {}

    fileprivate func record(_ event: RecordedStreamEvent) { events.append(event) }

    fileprivate func recordData(_ event: RecordedStreamEvent, _ bytes: [UInt8]) {
        events.append(event)
        received += bytes
        if let transport { onData?(transport, bytes) }
    }

    /// Records the callback, keeps the transport, runs ``onConnectionMade``.
    public func connectionMade(_ transport: any StreamTransport) {
        record(.connectionMade)
        self.transport = transport
        onConnectionMade?(transport)
    }

    /// Records the callback, runs ``onEndOfStream``, returns ``keepsOpen``.
    public func eofReceived() -> Bool {
        record(.endOfStream)
        if let transport { onEndOfStream?(transport) }
        return keepsOpen
    }

    /// Records the callback, runs ``onPauseWriting``.
    public func pauseWriting() {
        record(.pauseWriting)
        if let transport { onPauseWriting?(transport) }
    }

    /// Records the callback, runs ``onResumeWriting``.
    public func resumeWriting() {
        record(.resumeWriting)
        if let transport { onResumeWriting?(transport) }
    }

    /// Records the callback, runs ``onConnectionLost``.
    public func connectionLost(_ error: StreamError?) {
        record(.connectionLost(error))
        if let transport { onConnectionLost?(transport, error) }
    }

    /// Lets go of every hook, and of what it holds.
    public func removeHooks() {
        onConnectionMade = nil
        onData = nil
        onGetBuffer = nil
        onEndOfStream = nil
        onPauseWriting = nil
        onResumeWriting = nil
        onConnectionLost = nil
    }
}

/// A plain stream protocol that writes everything down.
public final class RecordingStreamProtocol: StreamRecorder, StreamProtocol {
    /// A recorder without hooks.
    public override init() {}

    /// Records a copy of the bytes, runs ``StreamRecorder/onData``.
    public func dataReceived(_ data: RawSpan) {
        let bytes = [UInt8](copying: data)
        recordData(.data(bytes), bytes)
    }
}

/// A buffered stream protocol that writes everything down.
public final class RecordingBufferedProtocol: StreamRecorder, BufferedStreamProtocol {
    private var buffer: [UInt8]

    /// A recorder that lends so many bytes at a time; 0 lends nothing.
    public init(bufferSize: Int = 65_536) {
        buffer = [UInt8](repeating: 0, count: bufferSize)
    }

    /// Records the callback, runs ``StreamRecorder/onGetBuffer``, lends the buffer.
    public func getBuffer(_ loan: inout BufferLoan) {
        record(.getBuffer(sizeHint: loan.sizeHint))
        if let transport { onGetBuffer?(transport) }
        loan.lend(&buffer)
    }

    /// Records a copy of the bytes, runs ``StreamRecorder/onData``.
    public func bufferUpdated(_ count: Int) {
        let bytes = Array(buffer[..<count])
        recordData(.bufferUpdated(bytes), bytes)
    }
}

/// A protocol of both kinds, and so a plain one, that writes everything down.
public final class RecordingBothProtocol: StreamRecorder, StreamProtocol, BufferedStreamProtocol {
    private var buffer = [UInt8](repeating: 0, count: 1_024)

    /// A recorder without hooks.
    public override init() {}

    /// Records a copy of the bytes, runs ``StreamRecorder/onData``.
    public func dataReceived(_ data: RawSpan) {
        let bytes = [UInt8](copying: data)
        recordData(.data(bytes), bytes)
    }

    /// Records the callback, lends the buffer.
    public func getBuffer(_ loan: inout BufferLoan) {
        record(.getBuffer(sizeHint: loan.sizeHint))
        loan.lend(&buffer)
    }

    /// Records a copy of the bytes, runs ``StreamRecorder/onData``.
    public func bufferUpdated(_ count: Int) {
        let bytes = Array(buffer[..<count])
        recordData(.bufferUpdated(bytes), bytes)
    }
}

extension StreamRecorder {
    /// The calls of `pauseWriting` and `resumeWriting`, as `P` and `R`.
    public var flowControl: String {
        events.reduce(into: "") {
            if $1 == .pauseWriting { $0 += "P" } else if $1 == .resumeWriting { $0 += "R" }
        }
    }

    /// How often the connection was lost, whatever the reason.
    public var losses: Int { events.count { if case .connectionLost = $0 { true } else { false } } }

    /// The error the connection was lost with; `nil` without one.
    public var lossError: StreamError? {
        if case .connectionLost(let error) = events.last { error } else { nil }
    }
}
