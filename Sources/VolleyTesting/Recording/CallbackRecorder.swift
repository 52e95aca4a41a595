/// Writes down every callback in order, and lets a test do something inside of each: what the recording protocols share.
///
/// A hook runs after its callback has been written down. Like any protocol, a recorder keeps its transport.
public class CallbackRecorder {
    /// Every callback so far.
    public private(set) var events: [RecordedEvent] = []
    /// What `connectionMade` brought.
    public private(set) var transport: (any DatagramTransport)?

    /// Runs inside `connectionMade`.
    public var onConnectionMade: ((any DatagramTransport) -> Void)?
    /// Runs for each datagram, with its number since the beginning, from 0.
    public var onDatagram: ((any DatagramTransport, Datagram, _ number: Int) -> Void)?
    /// Runs inside `errorReceived`.
    public var onError: ((any DatagramTransport, DatagramError) -> Void)?
    /// Runs inside `pauseWriting`.
    public var onPauseWriting: ((any DatagramTransport) -> Void)?
    /// Runs inside `resumeWriting`.
    public var onResumeWriting: ((any DatagramTransport) -> Void)?
    /// Runs inside `connectionLost`.
    public var onConnectionLost: ((any DatagramTransport, DatagramError?) -> Void)?

    private var datagramCount = 0

    fileprivate init() {}

    /// Records the callback, keeps the transport, runs ``onConnectionMade``.
    public func connectionMade(_ transport: any DatagramTransport) {
        events.append(.connectionMade)
        self.transport = transport
        onConnectionMade?(transport)
    }

    /// Records a copy of the datagram, runs ``onDatagram``.
    public func datagramReceived(_ datagram: Datagram) {
        events.append(.datagram(RecordedDatagram(datagram)))
        datagramCount += 1
        if let transport { onDatagram?(transport, datagram, datagramCount - 1) }
    }

    /// Records the error, runs ``onError``.
    public func errorReceived(_ error: DatagramError) {
        events.append(.error(error))
        if let transport { onError?(transport, error) }
    }

    /// Records the callback, runs ``onPauseWriting``.
    public func pauseWriting() {
        events.append(.pauseWriting)
        if let transport { onPauseWriting?(transport) }
    }

    /// Records the callback, runs ``onResumeWriting``.
    public func resumeWriting() {
        events.append(.resumeWriting)
        if let transport { onResumeWriting?(transport) }
    }

    /// Records the callback, runs ``onConnectionLost``.
    public func connectionLost(_ error: DatagramError?) {
        events.append(.connectionLost(error))
        if let transport { onConnectionLost?(transport, error) }
    }

    /// Lets go of every hook, and of what it holds.
    public func removeHooks() {
        onConnectionMade = nil
        onDatagram = nil
        onError = nil
        onPauseWriting = nil
        onResumeWriting = nil
        onConnectionLost = nil
    }

    fileprivate func noteBatch(_ count: Int) { events.append(.batch(count)) }
}

/// A protocol that takes datagrams one by one, through `datagramReceived`, and writes everything down.
public final class RecordingProtocol: CallbackRecorder, DatagramProtocol {
    /// A recorder without hooks.
    public override init() {}
}

/// A protocol that takes whole batches, through `datagramsReceived`, and writes everything down.
public final class RecordingBatchProtocol: CallbackRecorder, DatagramProtocol {
    /// A recorder without hooks.
    public override init() {}

    /// Records the batch, then each of its datagrams.
    public func datagramsReceived(_ batch: borrowing DatagramBatch) {
        noteBatch(batch.count)
        for index in batch.indices { datagramReceived(batch[index]) }
    }
}

extension CallbackRecorder {
    /// The datagrams received so far.
    public var datagrams: [RecordedDatagram] {
        events.compactMap { if case .datagram(let datagram) = $0 { datagram } else { nil } }
    }

    /// The payloads received so far.
    public var payloads: [[UInt8]] { datagrams.map(\.payload) }

    /// The errors reported so far.
    public var errors: [DatagramError] {
        events.compactMap { if case .error(let error) = $0 { error } else { nil } }
    }

    /// How often an event equal to `event` was recorded.
    public func count(of event: RecordedEvent) -> Int { events.count { $0 == event } }

    /// How often the connection was lost, whatever the reason.
    public var losses: Int { events.count { if case .connectionLost = $0 { true } else { false } } }
}
