"""Layer 0: the words of the product. No input or output, and nothing imported from above."""
