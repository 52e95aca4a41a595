import ArgumentParser
import Volley
import VolleyCore

/// The services built into the command.
enum Service: String, ExpressibleByArgument, CaseIterable {
    case echo, sink, reflect

    /// A new protocol object of the service.
    func makeProtocol(_ callback: ServeCommand.Callback = .datagram) -> any DatagramProtocol {
        switch (self, callback) {
        case (.echo, .datagram): Echo()
        case (.echo, .batch): BatchEcho()
        case (.sink, .datagram): Sink()
        case (.sink, .batch): BatchSink()
        case (.reflect, _): Reflect()
        }
    }
}

/// Sends every datagram back.
final class Echo: DatagramProtocol {
    func datagramReceived(_ datagram: Datagram) {
        datagram.reply(datagram.payload)
    }
}

/// The same, a batch at a time.
final class BatchEcho: DatagramProtocol {
    func datagramsReceived(_ batch: borrowing DatagramBatch) {
        for index in batch.indices {
            let datagram = batch[index]
            datagram.reply(datagram.payload)
        }
    }
}

/// Looks at every datagram, so that the compiler cannot leave the delivery out, and counts what it saw.
final class Sink: DatagramProtocol {
    private(set) var datagrams = 0
    private(set) var bytes = 0

    func datagramReceived(_ datagram: Datagram) {
        datagrams &+= 1
        bytes &+= datagram.count
    }
}

/// The same, a batch at a time.
final class BatchSink: DatagramProtocol {
    private(set) var datagrams = 0
    private(set) var bytes = 0

    func datagramsReceived(_ batch: borrowing DatagramBatch) {
        var sum = 0
        for index in batch.indices { sum &+= batch[index].count }
        datagrams &+= batch.count
        bytes &+= sum
    }
}

/// Answers with what this end sees of the sender.
final class Reflect: DatagramProtocol {
    func datagramReceived(_ datagram: Datagram) {
        var text = "from \(datagram.source)"
        if let local = datagram.localAddress { text += " to \(local)" }
        text += ", \(datagram.count) bytes\(datagram.isTruncated ? " (truncated)" : "")"
        if let ecn = datagram.ecn, let dscp = datagram.dscp { text += ", ECN \(ecn.rawValue), DSCP \(dscp)" }
        if let hopLimit = datagram.hopLimit { text += ", hop limit \(hopLimit)" }
        text += "\n"
        datagram.reply(Array(text.utf8))
    }
}
