internal import SystemPackage

extension StreamContract {
    static let living: [StreamScenario] = [
        StreamScenario("connectionMade comes first, and reading begins after it", ["P10", "B1"]) { run in
            var readInside = false
            let recorder = try run.open(early: "early") { recorder in
                recorder.onConnectionMade = { [unowned recorder] _ in
                    readInside = !recorder.received.isEmpty
                }
            }
            try run.expect(!readInside, "nothing received before connectionMade")
            try run.expectEqual(recorder.events, [.connectionMade], "callbacks before the first turn")
            run.settle()
            try run.expectEqual(run.received, "early", "bytes")
        },
        StreamScenario("addresses and extra information are known in connectionMade", ["F16"]) { run in
            var names: (Bool, Bool, Bool)?
            let isInternet = run.world.capabilities.contains(.internet)
            try run.open {
                $0.onConnectionMade = { transport in
                    names = (
                        transport.extraInfo("sockname") is SocketAddress == isInternet,
                        transport.localAddress.map { $0.port > 0 } ?? !isInternet,
                        transport.remoteAddress.map { $0.port > 0 } ?? !isInternet
                    )
                }
            }
            try run.expect(names?.0 == true && names?.1 == true && names?.2 == true, "names of both ends")
            try run.expect(run.transport.extraInfo("nonsense") == nil, "nothing under an unknown name")
            try run.expectEqual(run.transport.extraInfo("nonsense", default: 7), 7, "the default for an unknown name")
        },
        StreamScenario("a stream that is idle has counted nothing") { run in
            try run.open()
            run.settle()
            try run.expectEqual(run.statistics, StreamStatistics(), "statistics")
            try run.expectEqual(run.transport.writeBufferSize, 0, "write buffer")
        },
    ]

    static let reading: [StreamScenario] = [
        StreamScenario("what the peer writes is received, in order", ["P20", "B2", "B13"], needs: .interactive) { run in
            try run.open()
            for text in ["one ", "two ", "three"] {
                run.deliver(text)
                run.settle()
            }
            try run.expectEqual(run.received, "one two three", "bytes")
            try run.expect(run.statistics.reads >= 3, "reads counted: \(run.statistics.reads)")
        },
        StreamScenario(
            "each read of a buffered protocol asks for a buffer, then says what was received", ["B2", "B12"],
            needs: .interactive, styles: [.buffered]
        ) { run in
            try run.open()
            run.deliver("abc")
            run.settle()
            run.deliver("de")
            run.settle()
            let reads: [RecordedStreamEvent] = run.events.filter { $0 != .getBuffer(sizeHint: -1) }
            try run.expectEqual(
                reads, [.connectionMade, .bufferUpdated(Array("abc".utf8)), .bufferUpdated(Array("de".utf8))],
                "callbacks but getBuffer")
            try run.expectEqual(run.events[1], .getBuffer(sizeHint: -1), "the callback before the first read")
        },
        StreamScenario("much data is received whole, whatever the buffer", ["B9"], needs: .interactive) { run in
            try run.open()
            var sent: [UInt8] = []
            for round in 0..<9 {
                let block = (0..<1_024).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ round) }
                sent += block
                run.world.deliver(block)
                run.settle()
            }
            run.world.deliverEnd()
            run.settle()
            try run.expect(run.recorder.received == sent, "9 KiB as they were sent")
            try run.expectLost(nil)
        },
        StreamScenario("9 KiB through buffers of 100 bytes arrive exactly", ["B9"], styles: [.buffered]) { run in
            let text = String(repeating: "123456789", count: 1_024)
            try run.open(RecordingBufferedProtocol(bufferSize: 100), early: text)
            run.world.deliverEnd()
            run.settle()
            try run.expect(run.received == text, "9 KiB as they were sent")
            let isBounded = run.events.allSatisfy {
                if case .bufferUpdated(let bytes) = $0 { bytes.count <= 100 } else { true }
            }
            try run.expect(isBounded, "no update of more than was lent")
            try run.expectLost(nil)
        },
        StreamScenario("a type that is both plain and buffered is plain", needs: .interactive, styles: [.plain]) {
            run in
            try run.open(RecordingBothProtocol())
            run.deliver("abc")
            run.settle()
            try run.expectEqual(run.events, [.connectionMade, .data(Array("abc".utf8))], "callbacks")
        },
        StreamScenario("the end of the stream closes the transport", ["P21", "B7"]) { run in
            try run.open(early: "abc")
            run.world.deliverEnd()
            run.settle()
            try run.expectEqual(run.received, "abc", "bytes before the end")
            try run.expectEqual(
                Array(run.events.suffix(2)), [.endOfStream, .connectionLost(nil)], "callbacks at the end")
            try run.expectLost(nil)
        },
        StreamScenario(
            "a protocol may keep the transport open after the end of the stream", ["P22", "B7"],
            needs: .writing
        ) { run in
            try run.open(early: "abc") { $0.keepsOpen = true }
            run.world.deliverEnd()
            run.settle()
            try run.expectEqual(run.events.last, .endOfStream, "last callback")
            try run.expect(!run.transport.isClosing, "not closing")
            try run.expect(!run.transport.isReading, "not reading after the end")
            run.write("still here")
            run.settle()
            try run.expectEqual(run.arrivals, "still here", "arrivals")
            run.transport.close()
            run.settle()
            try run.expectEqual(run.events.count { $0 == .endOfStream }, 1, "calls of eofReceived")
            try run.expectLost(nil)
        },
        StreamScenario("pausing and resuming after the end brings no second end", ["B12", "B13"]) { run in
            try run.open { $0.keepsOpen = true }
            run.world.deliverEnd()
            run.settle()
            run.transport.pauseReading()
            run.transport.resumeReading()
            try run.expect(!run.transport.isReading, "not reading after the end")
            run.settle()
            try run.expectEqual(run.events, run.events.filter { $0 != .endOfStream } + [.endOfStream], "one end, last")
        },
    ]

    static let readErrors: [StreamScenario] = [
        StreamScenario("a read that would block or is interrupted is ignored", ["P23", "B8"], needs: .faults) { run in
            try run.open(early: "abc")
            run.faults.readScript = [.wouldBlock, .interrupted, .resourceTemporarilyUnavailable]
            run.settle()
            run.settle()
            try run.expectEqual(run.received, "abc", "bytes")
            try run.expectEqual(run.losses, 0, "calls of connectionLost")
        },
        StreamScenario("a reset ends the stream with its error, from a later turn", ["P24", "B8"], needs: .faults) {
            run in
            try run.open(early: "abc")
            run.faults.readScript = [.connectionReset]
            run.settle()
            try run.expectEqual(run.received, "", "bytes")
            try run.expectLost(.connectionReset)
            try run.expectEqual(run.recorder.lossError?.operation, .receive, "operation")
            try run.expectEqual(run.recorder.lossError?.peer, run.transport.remoteAddress, "peer of the error")
            try run.expect(!run.events.contains(.endOfStream), "no eofReceived for a reset")
        },
        StreamScenario("a peer that resets the connection ends the stream", ["P24", "B8"], needs: [.reset]) { run in
            try run.open()
            run.world.deliverReset()
            run.settle()
            try run.expectLost(.connectionReset)
        },
        StreamScenario("any other error of a read ends the stream with it", ["P25", "B8"], needs: .faults) { run in
            try run.open(early: "abc")
            run.faults.readScript = [.ioError]
            run.settle()
            try run.expectLost(.ioError)
        },
        StreamScenario(
            "a protocol that gives up in a callback ends the stream with its own error",
            ["P7", "P26", "B5"], needs: .interactive
        ) { run in
            try run.open { recorder in
                recorder.onData = { transport, _ in
                    transport.abort(StreamError(.invalidArgument, operation: .receive, context: "nonsense"))
                }
            }
            run.deliver("abcdef")
            run.settle()
            try run.expect(run.recorder.received.count <= 6, "no bytes after the abort")
            try run.expectLost(.invalidArgument)
            try run.expectEqual(run.recorder.lossError?.context, "nonsense", "the protocol's own words")
        },
        StreamScenario("a protocol that gives up in eofReceived ends the stream with its own error", ["P27", "B7"]) {
            run in
            try run.open {
                $0.onEndOfStream = { $0.abort(StreamError(.protocolError, operation: .receive)) }
                $0.keepsOpen = true
            }
            run.world.deliverEnd()
            run.settle()
            try run.expectLost(.protocolError)
        },
        StreamScenario(
            "a protocol that gives up in getBuffer ends the stream, and no update follows", ["B3"],
            styles: [.buffered, .tiny]
        ) { run in
            try run.open(early: "abc") {
                $0.onGetBuffer = { $0.abort(StreamError(.noMemory, operation: .receive)) }
            }
            run.settle()
            try run.expectEqual(run.recorder.received.count, 0, "bytes of updates")
            try run.expectEqual(run.statistics.bytesReceived, 0, "bytes received for nobody")
            try run.expectLost(.noMemory)
        },
    ]

    static let pausing: [StreamScenario] = [
        StreamScenario(
            "pauseReading leaves bytes where they are, resumeReading brings them", ["P11"],
            needs: .interactive
        ) { run in
            try run.open()
            try run.expect(run.transport.isReading, "reading at first")
            for _ in 0..<3 { run.transport.pauseReading() }
            try run.expect(!run.transport.isReading, "not reading after pauseReading")
            run.deliver("abc")
            run.settle()
            try run.expectEqual(run.received, "", "bytes while paused")
            for _ in 0..<3 { run.transport.resumeReading() }
            try run.expect(run.transport.isReading, "reading after resumeReading")
            try run.expectEqual(run.received, "", "bytes before the next turn")
            run.settle()
            try run.expectEqual(run.received, "abc", "bytes")
        },
        StreamScenario("a closing stream does not read, whatever is asked", ["P9", "P11"]) { run in
            try run.open(early: "abc")
            run.transport.close()
            run.transport.resumeReading()
            try run.expect(!run.transport.isReading, "not reading while closing")
            run.transport.pauseReading()
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.received, "", "bytes")
            try run.expectLost(nil)
        },
        StreamScenario("a pause in connectionMade holds back the first byte", ["P12"]) { run in
            try run.open(early: "abc") { $0.onConnectionMade = { $0.pauseReading() } }
            run.settle()
            try run.expectEqual(run.received, "", "bytes while paused")
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.received, "abc", "bytes")
        },
        StreamScenario("a pause in a callback holds back what comes after", needs: .interactive) { run in
            try run.open {
                $0.onData = { transport, _ in transport.pauseReading() }
            }
            run.deliver("abc")
            run.settle()
            run.deliver("def")
            run.settle()
            let first = run.received
            try run.expect("abc".hasPrefix(first) && !first.isEmpty, "one read's bytes: \(first)")
            for _ in 0..<4 {
                run.transport.resumeReading()
                run.settle()
            }
            try run.expectEqual(run.received, "abcdef", "bytes")
        },
        StreamScenario("the end of the stream waits while reading is paused") { run in
            try run.open(early: "abc") { $0.onConnectionMade = { $0.pauseReading() } }
            run.world.deliverEnd()
            run.settle()
            try run.expectEqual(run.events, [.connectionMade], "callbacks while paused")
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.received, "abc", "bytes")
            try run.expectLost(nil)
        },
    ]
}
