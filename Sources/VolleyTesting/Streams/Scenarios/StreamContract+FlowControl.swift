internal import SystemPackage

extension StreamContract {
    static let flowControl: [StreamScenario] = [
        StreamScenario(
            "limits above what waits do not pause, limits below it pause at once", ["F2", "F3", "F4"],
            needs: [.writing, .faults]
        ) { run in
            try run.open()
            run.block(with: "0123456789")
            run.transport.writeBufferLimits = try WriteBufferLimits(low: 0, high: 20)
            try run.expectEqual(run.flowControl, "", "calls with limits above the size")
            try run.expectEqual(run.transport.writeBufferLimits.high, 20, "high mark")
            run.transport.writeBufferLimits = try WriteBufferLimits(low: 1, high: 5)
            try run.expectEqual(run.flowControl, "P", "calls with limits below the size")
            run.faults.isWritingBlocked = false
            run.settle()
            try run.expectEqual(run.flowControl, "PR", "calls in all")
        },
        StreamScenario(
            "writing pauses strictly above the high mark, inside of the write, and once",
            ["F7", "F9", "F11"], needs: [.writing, .faults]
        ) { run in
            try run.open(limits: WriteBufferLimits(low: 2, high: 4))
            run.block(with: "abcd")
            try run.expectEqual(run.flowControl, "", "calls at the mark")
            run.write("e")
            try run.expectEqual(run.flowControl, "P", "calls above the mark, before write has returned")
            run.write("fghij")
            try run.expectEqual(run.flowControl, "P", "calls far above the mark")
        },
        StreamScenario("writing resumes at the low mark", ["F8", "F9"], needs: [.writing, .faults]) { run in
            try run.open(limits: WriteBufferLimits(low: 2, high: 4))
            run.block(with: "abcdefgh")
            run.faults.writeScript = [.take(5), .block, .take(1), .block]
            run.faults.isWritingBlocked = false
            run.turn()
            try run.expectEqual(run.flowControl, "P", "calls above the low mark")
            run.settle()
            try run.expectEqual(run.flowControl, "PR", "calls at the low mark")
            try run.expectEqual(run.arrivals, "abcdefgh", "arrivals")
        },
        StreamScenario(
            "with a high mark of zero any queued byte pauses, and an empty queue resumes", ["F10"],
            needs: [.writing, .faults]
        ) { run in
            try run.open(limits: WriteBufferLimits(high: 0))
            run.write("sent at once")
            try run.expectEqual(run.flowControl, "", "calls for what went out")
            run.faults.writeScript = [.take(1), .take(1), .block]
            run.write("abc")
            try run.expectEqual(run.flowControl, "P", "calls with bytes queued")
            run.settle()
            try run.expectEqual(run.flowControl, "PR", "calls when the queue is empty")
        },
        StreamScenario("raising the limits resumes", ["F13"], needs: [.writing, .faults]) { run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 4))
            run.block(with: "abcdefgh")
            run.transport.writeBufferLimits = try WriteBufferLimits(low: 8, high: 100)
            try run.expectEqual(run.flowControl, "PR", "calls")
        },
        StreamScenario("a protocol may write in resumeWriting", ["F17"], needs: [.writing, .faults]) { run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 2)) { recorder in
                recorder.onResumeWriting = { [unowned recorder] transport in
                    guard recorder.flowControl.count < 6 else { return }
                    transport.write("again")
                }
            }
            run.noteSubmitted(10)
            run.block(with: "abc")
            // Each write of resumeWriting is left over in part, so that the queue is not empty when it returns.
            run.faults.writeScript = [.pass, .take(1), .pass, .take(1), .pass]
            run.faults.isWritingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals, "abcagainagain", "arrivals")
            try run.expectEqual(run.flowControl, "PRPRPR", "calls")
        },
        StreamScenario("a protocol may write, close or abort in pauseWriting", ["F11"], needs: [.writing, .faults]) {
            run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 2)) {
                $0.onPauseWriting = { transport in
                    transport.write("more")
                    transport.close()
                    transport.write("dropped")
                    transport.abort()
                }
            }
            run.noteSubmitted(11)
            run.block(with: "abc")
            run.settle()
            try run.expectEqual(run.statistics.abortedDropped, 7, "bytes dropped by the abort")
            try run.expectEqual(run.statistics.closedDropped, 7, "bytes dropped since closing")
            try run.expectLost(nil)
        },
        StreamScenario(
            "a write over the maximum ends the stream with ENOBUFS, a first one is always taken",
            needs: [.writing, .faults]
        ) { run in
            try run.open(limits: WriteBufferLimits(low: 1, high: 2, maximum: 4))
            run.block(with: "abcdefgh")
            try run.expectEqual(run.transport.writeBufferSize, 8, "write buffer")
            run.write("i")
            run.settle()
            try run.expectEqual(run.statistics.failedDropped, 9, "bytes dropped")
            try run.expectLost(.noBufferSpace)
        },
    ]

    static let closing: [StreamScenario] = [
        StreamScenario("close stops reading and ends the stream from a later turn, once", ["P3", "P8", "P13"]) { run in
            var isOpenInside: Bool?
            try run.open(early: "abc") { recorder in
                recorder.onConnectionLost = { [unowned run] _, _ in isOpenInside = !run.world.isShutDown }
            }
            run.transport.close()
            try run.expect(run.transport.isClosing, "closing at once")
            try run.expect(!run.transport.isReading, "not reading once closing")
            try run.expectEqual(run.losses, 0, "calls of connectionLost inside close")
            run.transport.close()
            run.settle()
            run.transport.close()
            run.transport.abort()
            run.settle()
            try run.expectEqual(run.events, [.connectionMade, .connectionLost(nil)], "callbacks")
            try run.expectEqual(isOpenInside, true, "the socket still open inside of connectionLost")
            try run.expectLost(nil)
            try run.expect(run.transport.currentProtocol == nil, "no protocol afterwards")
        },
        StreamScenario("abort ends the stream from a later turn, once", ["P2"]) { run in
            try run.open()
            run.transport.abort()
            try run.expect(run.transport.isClosing, "closing at once")
            try run.expectEqual(run.losses, 0, "calls of connectionLost inside abort")
            run.transport.abort(StreamError(.ioError, operation: .send))
            run.transport.close()
            run.settle()
            run.transport.abort()
            run.settle()
            try run.expectEqual(run.events, [.connectionMade, .connectionLost(nil)], "callbacks")
        },
        StreamScenario("abort drops the queue", ["P2", "P5"], needs: [.writing, .faults]) { run in
            try run.open()
            run.block(with: "abcdef")
            run.transport.abort()
            try run.expectEqual(run.transport.writeBufferSize, 0, "write buffer")
            run.faults.isWritingBlocked = false
            let attempts = run.faults.writeAttempts.count
            run.settle()
            try run.expectEqual(run.faults.writeAttempts.count, attempts, "attempts to write after the abort")
            try run.expectEqual(run.arrivals, "", "arrivals")
            try run.expectEqual(run.statistics.abortedDropped, 6, "bytes dropped")
            try run.expectLost(nil)
        },
        StreamScenario("abort after close drops what close waits for", ["P5"], needs: [.writing, .faults]) { run in
            try run.open()
            run.block(with: "abc")
            run.transport.close()
            run.settle()
            run.transport.abort()
            run.settle()
            try run.expectEqual(run.statistics.abortedDropped, 3, "bytes dropped")
            try run.expectLost(nil)
        },
        StreamScenario("a protocol may close in every callback", needs: [.interactive]) { run in
            try run.open { $0.onData = { transport, _ in transport.close() } }
            run.deliver("abc")
            run.settle()
            let first = run.received
            try run.expect(!first.isEmpty && "abc".hasPrefix(first), "one read's bytes: \(first)")
            try run.expectLost(nil)
        },
        StreamScenario("a protocol may close in connectionMade") { run in
            try run.open(early: "abc") { $0.onConnectionMade = { $0.close() } }
            run.settle()
            try run.expectEqual(run.events, [.connectionMade, .connectionLost(nil)], "callbacks")
        },
        StreamScenario("a protocol may abort in connectionMade") { run in
            try run.open(early: "abc") {
                $0.onConnectionMade = { $0.abort(StreamError(.permissionDenied, operation: .accept)) }
            }
            run.settle()
            try run.expectLost(.permissionDenied)
        },
        StreamScenario("close in eofReceived closes once", ["P21"]) { run in
            try run.open { recorder in
                recorder.onEndOfStream = { $0.close() }
                recorder.keepsOpen = true
            }
            run.world.deliverEnd()
            run.settle()
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
            try run.expectLost(nil)
        },
    ]

    static let buffering: [StreamScenario] = [
        StreamScenario("a buffer without room ends the stream with ENOBUFS", ["B4"], styles: [.buffered]) { run in
            try run.open(RecordingBufferedProtocol(bufferSize: 0), early: "abc")
            run.settle()
            try run.expectEqual(run.received, "", "bytes")
            try run.expectLost(.noBufferSpace)
            try run.expect(run.recorder.lossError?.context?.contains("getBuffer") == true, "what to do about it")
        },
        StreamScenario("a protocol that pauses in getBuffer need not lend anything", ["B4"], styles: [.buffered]) {
            run in
            try run.open(RecordingBufferedProtocol(bufferSize: 0), early: "abc") {
                $0.onGetBuffer = { $0.pauseReading() }
            }
            run.settle()
            try run.expectEqual(run.losses, 0, "calls of connectionLost")
            try run.expectEqual(run.events, [.connectionMade, .getBuffer(sizeHint: -1)], "callbacks")
        },
    ]

    static let switching: [StreamScenario] = [
        StreamScenario("another protocol gets what comes next, of whichever kind it is", ["B6"], needs: .interactive) {
            run in
            let first = try run.open()
            run.deliver("first ")
            run.settle()
            try run.expectEqual(String(decoding: first.received, as: UTF8.self), "first ", "bytes of the first")
            let buffered = RecordingBufferedProtocol()
            run.handOver(to: buffered)
            try run.expect(run.transport.currentProtocol === buffered, "the current protocol")
            run.deliver("second ")
            run.settle()
            try run.expectEqual(run.received, "second ", "bytes of the second")
            run.handOver(to: RecordingStreamProtocol())
            run.deliver("third")
            run.settle()
            try run.expectEqual(run.events, [.data(Array("third".utf8))], "callbacks of the third")
            try run.expectEqual(first.losses, 0, "calls of connectionLost on the first")
        },
        StreamScenario(
            "a protocol may hand over in the middle of a callback, and pass on what it has", ["B6", "B10"],
            needs: .interactive
        ) { run in
            let next = RecordingBufferedProtocol(bufferSize: 2)
            let first = try run.open()
            first.onData = { [unowned run] _, bytes in
                run.handOver(to: next)
                // The rest of what it was given belongs to the next, which lends as often as it takes.
                try? next.receive(RawSpan(bytes.span).extracting(1...))
                run.noteUntold(1 - bytes.count)
            }
            run.deliver("abcdef")
            run.settle()
            first.onData = nil
            try run.expectEqual(run.received, "bcdef", "bytes of the second")
        },
    ]
}
