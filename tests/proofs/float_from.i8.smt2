; An i8 less its zero point, as an f32.
(define-fun bits () (_ BitVec 8) ((_ extract 7 0) (|float_from_n bits| state)))
(define-fun zero () (_ BitVec 8) (|float_from_n zero| state))
(define-fun assumed () Bool (= (|float_from_n code| state) #b000))
(define-fun claimed () Bool
  (writes (|float_from_n value| state)
          ((_ to_fp 8 24) RNE (bvsub ((_ sign_extend 1) bits) ((_ sign_extend 1) zero)))))
